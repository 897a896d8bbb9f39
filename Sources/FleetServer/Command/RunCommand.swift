import ArgumentParser
import FleetProtocol

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Keep HostA's sshd up and watch the devices, in the foreground.",
    discussion: """
      SIGTERM ends it, tunnels included.

      Example:
        fleet-server run

      \(FleetServerCommand.exitStatuses)
      """)

  @OptionGroup var home: HomeOption

  func run() throws { try HostRun.run(try home.home()) }
}
