import ArgumentParser
import Testing

@testable import FleetServer

/// What `--help` says of each command.
@Suite struct HelpTests {
  @Test func everyCommandShowsAnExample() {
    func check(_ command: any ParsableCommand.Type) {
      for subcommand in command.configuration.subcommands {
        #expect(FleetServerCommand.helpMessage(for: subcommand).contains("Example"), "\(subcommand)")
        check(subcommand)
      }
    }
    check(FleetServerCommand.self)
  }
}
