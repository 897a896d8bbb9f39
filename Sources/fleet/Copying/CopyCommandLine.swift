import FleetProtocol

/// What stands behind `fleet cp`: scp's own options, and files of which some are on devices.
struct CopyCommandLine: Hashable {
  var options: [String]
  var files: [String]
  /// Each once, in order; never empty.
  var logins: [DeviceLogin]

  /// scp(1)'s options, of OpenSSH 9.2 and newer.
  private static let letters = ShortOptions(
    program: "scp", letters: "12346ABCTdfOpqRrstvD:F:J:M:P:S:c:i:l:o:X:", usage: usage)

  /// Throws `usage` or `name-invalid`.
  init(parsing arguments: [String]) throws(Refusal) {
    var taken: [ShortOptions.Option] = []
    var rest = arguments[...]
    _ = try Self.letters.take(from: &rest, into: &taken)
    for option in taken { try Self.refuse(option) }
    options = taken.flatMap(\.words)
    files = Array(rest)
    logins = try RemotePath.logins(in: files, usage: Self.usage)
    guard files.count >= 2 else { throw Refusal(.usage, "which file, and where to?", hint: Self.usage) }
    guard !logins.isEmpty else {
      throw Refusal(.usage, "none of these files is on a device", hint: "write NAME:PATH for a file on a device")
    }
  }

  /// scp's command line; `program` is what it starts in ssh's place.
  func scp(program: String) -> [String] {
    // From device to device files go through this laptop: the devices do not know each other.
    ["scp", "-S", program, "-3"] + options + ["--"] + files
  }

  private static func refuse(_ option: ShortOptions.Option) throws(Refusal) {
    let reason: String? =
      switch option.letter {
      case "R": "devices do not know each other, so '-R' cannot be used"
      case "d", "f", "t": "'-\(option.letter)' is for scp's own use"
      default: ToolOption.refusal(option)
      }
    if let reason { throw Refusal(.usage, reason, hint: usage) }
  }

  static let usage = "fleet cp [scp options] FILE... [USER@]NAME:PATH, or [USER@]NAME:PATH... FILE"
}

/// Options that scp and sftp hand on to ssh.
enum ToolOption {
  /// Why one cannot be used, because it would lead the connection elsewhere; `nil` for all others.
  static func refusal(_ option: ShortOptions.Option) -> String? {
    switch option.letter {
    case "D": "'-D' reaches no device"
    case "J": "the way to a device leads through HostA, so '-J' cannot be used"
    case "P": "a device has no port to choose, HostA knows it, so '-P' cannot be used"
    case "S": "fleet makes its own connection, so '-S' cannot be used"
    case "o":
      SSHCommandLine.refusedKeyword(option.value ?? "").map { "fleet itself sets \($0), so it cannot be given" }
    default: nil
    }
  }
}
