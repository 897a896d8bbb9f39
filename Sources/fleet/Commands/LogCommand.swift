import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Show who connected to what, from where and how long, and who changed what.",
    usage: "fleet log [NAME] [--since TIME] [--limit N] [--json]",
    discussion: """
      A connection is one line, at its beginning. How long it lasted and what it carried is told after it has ended: \
      SENT went to the device, RECEIVED came from it. Times are UTC.

      EXAMPLE
        fleet log
        fleet log kitchen-pi --since 2h
        fleet log --since 2026-01-02 --limit 1000
        fleet log --json | jq -r '.entries[] | select(.action == "connect") | .actor'
      """)

  @Argument(help: "The device's name; all devices by default.")
  var name: String?

  @Option(help: ArgumentHelp("From when on, such as 2h, 7d, 2026-01-02 or 2026-01-02T03:04:05Z.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("How many of the latest entries, at most 10000.", valueName: "n"))
  var limit = 100

  @Flag(help: "Print one JSON object: {\"v\":1,\"entries\":[...]}.")
  var json = false

  @Flag(name: .customLong("no-headers"), help: "Leave the headings out.")
  var noHeaders = false

  @Flag(name: .customLong("no-pager"), help: "Never use a pager.")
  var noPager = false

  func run() throws {
    let device = try name.map { text throws(Refusal) in try DeviceName(validating: text) }
    let start = try since.map { text throws(Refusal) in try LogStart(parsing: text) }
    guard (1...LogBody.mostEntries).contains(limit) else {
      throw Refusal(.usage, "--limit is from 1 to \(LogBody.mostEntries)", hint: "fleet log --limit 1000")
    }
    let body = LogBody(device: device, since: start?.moment(now: LaptopEnvironment.now), limit: limit)
    let entries = try LaptopContext().hostA.log(body)
    if json { return try StandardStreams.print(LogTable.json(entries)) }
    if entries.isEmpty { return StandardStreams.note("the log has nothing about that") }
    let width = LaptopEnvironment.isTerminal(STDOUT_FILENO) ? LaptopEnvironment.terminalSize()?.columns : nil
    let table = LogTable(width: width, hasHeadings: !noHeaders)
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    try Pager.print(table.text(entries, style: style), isWanted: !noPager)
    if entries.count == limit { StandardStreams.note("these are the latest \(limit); --limit shows more") }
  }
}
