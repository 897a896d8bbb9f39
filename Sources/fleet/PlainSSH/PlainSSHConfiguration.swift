import FleetProtocol

/// The private file that `fleet config-ssh` writes for ssh to include: all that makes `NAME.fleet` a host.
struct PlainSSHConfiguration: Hashable {
  /// The path of `fleet` itself.
  let program: String
  /// The file that says who logs in where.
  let logins: String
  /// What was not there before `fleet config-ssh` made it, so that `--remove` leaves nothing behind.
  var made: [String] = []

  private static let madeMark = "# made by fleet config-ssh: "

  /// What an earlier file says was made.
  static func made(in text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix(madeMark) }.map {
      String($0.dropFirst(madeMark.count))
    }
  }

  /// Names with a quote are left out: what ssh passes to a shell stands in quotes, and older ones pass any name.
  var text: String {
    """
    # Written by 'fleet config-ssh', which writes it anew; 'fleet config-ssh --remove' takes it away.
    \(made.map { "\(Self.madeMark)\($0)\n" }.joined())
    # Whoever names no account logs in with the one that HostA knows for the device. fleet writes it down here first.
    Match originalhost "*.fleet,!*'*" exec "'\(program)' proxy --learn '%n'"
      Include "\(logins)"

    Host *.fleet "!*'*"
      ProxyCommand '\(program)' proxy --pass '%n'
      ProxyUseFdpass yes
      KnownHostsCommand "\(program)" known-hosts %n %I %t %K %H
      UserKnownHostsFile /dev/null
      GlobalKnownHostsFile /dev/null
      StrictHostKeyChecking yes
      VerifyHostKeyDNS no
      UpdateHostKeys no
      CheckHostIP no

    """
  }

  /// Throws `usage` for a path that cannot be written so that every version of ssh, and a shell, reads it as it is.
  static func check(path: String) throws(Refusal) {
    guard path.hasPrefix("/"), DisplayText.escaped(path) == path,
      !path.utf8.contains(where: { "\"'\\$%*?[]".utf8.contains($0) })
    else {
      throw Refusal(
        .usage, "ssh's configuration cannot name \(DisplayText.escaped(path, limit: 200))",
        hint: "it has a quote, a bracket or another character that means something there")
    }
  }
}
