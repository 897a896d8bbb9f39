import ArgumentParser
import Testing

@testable import fleet

/// What `--help` says of each command.
@Suite struct HelpTests {
  @Test func everyCommandShowsAnExample() {
    func check(_ command: any ParsableCommand.Type) {
      for subcommand in command.configuration.subcommands
        + command.configuration.groupedSubcommands.flatMap(\.subcommands)
      where subcommand.configuration.shouldDisplay {
        #expect(FleetCommand.helpMessage(for: subcommand).contains("EXAMPLE"), "\(subcommand)")
        check(subcommand)
      }
    }
    check(FleetCommand.self)
  }
}
