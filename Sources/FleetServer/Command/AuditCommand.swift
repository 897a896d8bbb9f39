import ArgumentParser
import FleetProtocol

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Check the audit, and move its older entries into files.",
    discussion: """
      Example:
        fleet-server audit verify
        fleet-server audit rotate --keep 10000

      \(FleetServerCommand.exitStatuses)
      """,
    subcommands: [Verify.self, Rotate.self])

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Follow the chain of the audit from its first entry to its last.",
      discussion: """
        Status 1 and one sentence if an entry is missing or was changed. Whoever can \
        write to these files can make the whole chain anew, or cut its end off: \
        'fleet log --verify' on a laptop that looked before finds that, too.

        Example:
          fleet-server audit verify

        \(FleetServerCommand.exitStatuses)
        """)

    @OptionGroup var home: HomeOption

    func run() throws {
      let home = try HomeFolder.check(try home.home())
      let found = try AuditReading(home: home, registry: try Registry.open(home)).check()
      guard let from = found.from, let to = found.to else { return print("the audit has no entry") }
      let entries = found.count == 1 ? "1 entry" : "\(found.count) entries"
      print("\(entries) from \(from) to \(to), unbroken; \(found.rotated) in files")
    }
  }

  struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Move older entries from the registry into files.",
      discussion: """
        'fleet-server run' does it by itself: of more than \(AuditRotationRule.automatic.most) entries it leaves the \
        latest \(AuditRotationRule.automatic.kept). 'fleet log' shows what is left; the files are in 'audit' in \
        fleet-server's folder, one JSON object a line, and are checked with the rest.

        Example:
          fleet-server audit rotate
          fleet-server audit rotate --keep 1000

        \(FleetServerCommand.exitStatuses)
        """)

    @Option(help: ArgumentHelp("How many of the latest entries stay.", valueName: "n"))
    var keep = AuditRotationRule.automatic.kept

    @OptionGroup var home: HomeOption

    func run() throws {
      guard keep >= 0 else {
        throw Refusal(.usage, "--keep is 0 or more", hint: "fleet-server audit rotate --keep 1000")
      }
      let home = try HomeFolder.check(try home.home())
      let rotation = AuditRotation(home: home, registry: try Registry.open(home))
      let moved = try rotation.run(AuditRotationRule(most: keep, kept: keep))
      print(
        moved == 0 ? "nothing is older than the latest \(keep) entries" : "moved \(moved) entries into \(home.audit)")
    }
  }
}
