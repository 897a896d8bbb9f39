import FleetProtocol

/// What stands behind `fleet sftp`: sftp's own options, and a device.
struct SFTPCommandLine: Hashable {
  var options: [String]
  /// `[USER@]NAME[:PATH]`.
  var destination: String
  var login: DeviceLogin
  /// Where a file that the destination names goes to.
  var rest: [String]

  /// sftp(1)'s options, of OpenSSH 9.2 and newer.
  private static let letters = ShortOptions(
    program: "sftp", letters: "1246AafhNpqrvCc:D:i:l:o:s:S:b:B:F:J:P:R:X:", usage: usage)

  /// Throws `usage` or `name-invalid`.
  init(parsing arguments: [String]) throws(Refusal) {
    var taken: [ShortOptions.Option] = []
    var rest = arguments[...]
    _ = try Self.letters.take(from: &rest, into: &taken)
    for option in taken {
      if let reason = ToolOption.refusal(option) { throw Refusal(.usage, reason, hint: Self.usage) }
    }
    guard let destination = rest.popFirst() else { throw Refusal(.usage, "which device?", hint: Self.usage) }
    if let remote = try RemotePath(parsing: destination, usage: Self.usage) {
      login = remote.login
    } else {
      login = try DeviceLogin(parsing: destination, usage: Self.usage)
    }
    options = taken.flatMap(\.words)
    self.destination = destination
    self.rest = Array(rest)
  }

  /// sftp's command line; `program` is what it starts in ssh's place.
  func sftp(program: String) -> [String] {
    // Unlike scp, sftp lets a person's configuration say what runs on the device.
    ["sftp", "-S", program, "-oRemoteCommand=none", "-oRequestTTY=no"] + options + ["--", destination] + rest
  }

  static let usage = "fleet sftp [sftp options] [USER@]NAME[:PATH]"
}
