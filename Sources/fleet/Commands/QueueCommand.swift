import ArgumentParser
import FleetProtocol

struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Show or cancel commands that wait for devices.",
    usage: """
      fleet queue [--json]
      fleet queue cancel ID...
      """,
    discussion: """
      'fleet exec --queue' adds them and 'fleet exec --resume' runs them. Shown are your own. A command that is taken was \
      begun, or was about to be, by a fleet that has not said how it ended: it may have run, and is not run again.

      EXAMPLE
        fleet queue
        fleet queue cancel 1b2c3d4e
      """,
    subcommands: [List.self, Cancel.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show the commands that wait, and those of the last week.",
      discussion: """
        EXAMPLE
          fleet queue list
          fleet queue --json | jq -r '.queue[] | select(.state == "waiting") | .device'
        """)

    @Flag(help: "Print one JSON object: {\"v\":1,\"queue\":[...]}.")
    var json = false

    func run() throws {
      let (entries, now) = try LaptopContext().hostA.queue()
      if json {
        try StandardStreams.print(QueueTable.json(entries))
      } else if entries.isEmpty {
        StandardStreams.note("nothing is queued")
      } else {
        let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
        try StandardStreams.print(QueueTable.text(entries, now: now, style: style))
      }
    }
  }

  struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "cancel", abstract: "Take commands out of the queue, where they still wait.",
      usage: "fleet queue cancel ID...",
      discussion: """
        EXAMPLE
          fleet queue cancel 2c1531fe
        """)

    @Argument(help: "As 'fleet queue' shows them.")
    var ids: [String] = []

    func run() throws {
      guard !ids.isEmpty else {
        throw Refusal(.usage, "which command?", hint: "fleet queue cancel ID..., as 'fleet queue' shows them")
      }
      let ids = try ids.map { try QueueID(validating: $0) }
      let hostA = try LaptopContext().hostA
      for id in ids {
        let count = try hostA.queueCancel(id)
        let devices = count == 1 ? "1 device" : "\(count) devices"
        StandardStreams.note("\(id) is cancelled; \(devices) will not get it")
      }
    }
  }
}
