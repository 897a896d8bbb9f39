import FleetProtocol
import Glibc

/// The account that fleet-server runs as.
struct Account: Hashable {
  var name: LoginName
  var uid: UInt32
  var homeFolder: String
  var shell: String

  /// Throws `home-unusable` when the account has no name that ssh can be given.
  static func current() throws(Refusal) -> Account {
    guard let entry = getpwuid(geteuid()) else {
      throw Refusal(.homeUnusable, "the account with the number \(geteuid()) has no name")
    }
    return Account(
      name: try LoginName(validating: String(cString: entry.pointee.pw_name)), uid: geteuid(),
      homeFolder: String(cString: entry.pointee.pw_dir), shell: String(cString: entry.pointee.pw_shell))
  }

  /// sshd starts forced commands through the login shell: `nologin` or `false` would refuse every device.
  var shellObjection: Refusal? {
    guard let program = shell.split(separator: "/").last, program == "nologin" || program == "false" else { return nil }
    return Refusal(
      .homeUnusable, "the account \(name) has the login shell \(shell), which runs no forced command",
      hint: "as root: usermod -s /bin/sh \(name)")
  }
}
