import ArgumentParser
import FleetProtocol

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Make this account the HostA of a backup.",
    discussion: """
      On another machine, under an account of the same name and at the same address, \
      devices and laptops find it again without being touched. Where HostA stands \
      already, the backup takes the registry's place, with 'fleet-server run' running \
      or not. Whoever is in the key file then stays in, and whoever is not stays out: a \
      device that is new since the backup becomes recovered-PORT.

      Examples:
        fleet-server restore hosta.backup
        fleet-server restore hosta.backup --home /var/lib/fleet-server

      \(FleetServerCommand.exitStatuses)
      """)

  @Argument(help: ArgumentHelp("The backup.", valueName: "file")) var file: String
  @OptionGroup var home: HomeOption

  func run() throws {
    let backup = try Backup.read(try Home.absolute(file))
    let outcome = try HostRestore(backup: backup, account: try Account.current()).run(into: try home.home())
    print("\(backup.summary)\nrestored in \(outcome.home.path)")
    for step in outcome.steps { print("  \(step.sentence)") }
    if outcome.isNew { print("Start it, now and at each boot:\n    fleet-server run") }
  }
}
