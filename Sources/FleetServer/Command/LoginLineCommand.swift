import ArgumentParser
import FleetProtocol

struct LoginLineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login-line", abstract: "Print the 'fleet login' line for an operator's laptop.",
    discussion: """
      Example:
        fleet-server login-line

      \(FleetServerCommand.exitStatuses)
      """)

  @OptionGroup var home: HomeOption

  func run() throws {
    let home = try HomeFolder.check(try home.home())
    print(try LoginLine.text(home, HostSettings.read(home)))
  }
}

/// The command that makes a laptop know this HostA, fingerprint included.
enum LoginLine {
  /// Throws what reading the fingerprint throws.
  static func text(_ home: Home, _ settings: HostSettings) throws(Refusal) -> String {
    let address = settings.address.contains(":") ? "[\(settings.address)]" : settings.address
    let fingerprint = try SSHKeygen.fingerprint(ofFile: settings.hostPublicKeyFile(home: home))
    return "fleet login \(settings.account)@\(address):\(settings.listen.port) --host-key \(fingerprint)"
  }
}
