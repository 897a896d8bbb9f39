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
    usage: """
      fleet log [NAME] [--since TIME] [--limit N] [--json]
      fleet log --verify [--new | --accept] [--json]
      """,
    discussion: """
      A connection is one line, at its beginning. How long it lasted and what it carried is told after it has ended: \
      SENT went to the device, RECEIVED came from it. Times are UTC.

      Each entry is chained to the one before by a hash. --verify has this laptop follow the chain, entry by entry, and \
      remember how far it went: from then on also a log that was cut off or made anew as a whole is told, whoever did it \
      on HostA. Status 1 if something is wrong.

      EXAMPLE
        fleet log
        fleet log kitchen-pi --since 2h
        fleet log --since 2026-01-02 --limit 1000
        fleet log --verify
        fleet log --json | jq -r '.entries[] | select(.action == "connect") | .actor'
      """)

  @Argument(help: "The device's name; all devices by default.")
  var name: String?

  @Option(help: ArgumentHelp("From when on, such as 2h, 7d, 2026-01-02 or 2026-01-02T03:04:05Z.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("How many of the latest entries, at most 10000.", valueName: "n"))
  var limit = 100

  @Flag(help: "Check that no entry is missing or was changed.")
  var verify = false

  @Flag(help: "With --verify: only what came since this laptop looked last.")
  var new = false

  @Flag(help: "With --verify: take the log as it is now, after somebody has looked into what was wrong.")
  var accept = false

  @Flag(help: "Print one JSON object: {\"v\":1,\"entries\":[...]}; with --verify what was found.")
  var json = false

  @Flag(name: .customLong("no-headers"), help: "Leave the headings out.")
  var noHeaders = false

  @Flag(name: .customLong("no-pager"), help: "Never use a pager.")
  var noPager = false

  func run() throws {
    if verify || new || accept { return try runVerification() }
    let device = try name.map { text throws(Refusal) in try DeviceName(validating: text) }
    let start = try since.map { text throws(Refusal) in try LogStart(parsing: text) }
    guard (1...LogBody.mostEntries).contains(limit) else {
      throw Refusal(.usage, "--limit is from 1 to \(LogBody.mostEntries)", hint: "fleet log --limit 1000")
    }
    let body = LogBody(device: device, since: start?.moment(now: LaptopEnvironment.now), limit: limit)
    let (entries, earlier) = try LaptopContext().hostA.log(body)
    if json { return try StandardStreams.print(LogTable.json(entries)) }
    defer {
      if earlier > 0 {
        StandardStreams.note("\(earlier) earlier entries are in files on HostA, in 'audit' in its folder")
      }
    }
    if entries.isEmpty { return StandardStreams.note("the log has nothing about that") }
    let width = LaptopEnvironment.isTerminal(STDOUT_FILENO) ? LaptopEnvironment.terminalSize()?.columns : nil
    let table = LogTable(width: width, hasHeadings: !noHeaders)
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    try Pager.print(table.text(entries, style: style), isWanted: !noPager)
    if entries.count == limit { StandardStreams.note("these are the latest \(limit); --limit shows more") }
  }

  private func runVerification() throws {
    guard verify, !(new && accept), name == nil, since == nil else {
      throw Refusal(
        .usage, "the log is verified as a whole: --verify stands alone, with --new or with --accept",
        hint: "fleet log --verify")
    }
    let context = try LaptopContext()
    let verification = LogVerification(hostA: context.hostA, file: context.paths.verifiedLog(host: context.host.name))
    let verdict = try accept ? verification.accept() : verification.run(onlyNew: new)
    try StandardStreams.print(json ? verdict.json : verdict.text)
    if let refusal = verdict.refusal { throw refusal }
  }
}
