import ArgumentParser
import FleetProtocol

struct PrintSSHDConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "print-sshd-config",
    abstract: "Print what an administrator should add to the system's sshd, for --sshd system.",
    discussion: """
      Example:
        fleet-server print-sshd-config |
          sudo tee /etc/ssh/sshd_config.d/fleet-server.conf

      \(FleetServerCommand.exitStatuses)
      """)

  func run() throws {
    print(
      SSHDConfiguration.dropIn(account: try Account.current().name, cores: Processors.count), terminator: "")
  }
}
