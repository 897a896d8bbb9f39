import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the devices that are online, or the boxes that wait for approval.",
    usage: "fleet list [SELECTOR...] [--all] [--sort FIELDS] [--watch [SECONDS]] [--json | --format FORMAT]",
    discussion: """
      A SELECTOR is a name, a pattern such as 'kitchen-*', tag=KEY, tag=KEY:VALUE, state=STATE[,STATE] or user=NAME; \
      ! before it turns it round. Devices that are offline are shown with --all, where a state is asked for, and \
      where the name stands there in full.
      When HostA does not answer, what it told last is shown, with its age, and the exit status is 6.
      On a terminal a list that is longer than the screen goes through $PAGER (less -FRX); on a narrow one tags and \
      notes are shortened, then columns left out: port, user, tags, latency, note, last seen.
      --format takes the fields {name}, {state}, {rtt_ms}, {last_seen}, {tag:KEY}, {fact:KEY} and so on, \\t and \\n; \
      --sort takes the same, - before one turns it round.

      EXAMPLE
        fleet list
        fleet list 'kitchen-*' tag=site:berlin '!tag=old' state=offline
        fleet list --all --sort state,-last-seen
        fleet list --format '{name}\\t{tag:site}\\t{fact:os}'
        fleet list --watch 5
        fleet list --pending
        fleet list --json | jq -r '.devices[].name'
      """)

  @Argument(help: ArgumentHelp("Which devices; all by default.", valueName: "selector"))
  var selectors: [String] = []

  @Flag(help: "Show every device, also those that are offline.")
  var all = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("In which order, such as state,-latency; by name by default.", valueName: "fields"))
  var sort: String?

  @Option(
    defaultAsFlag: "2", parsing: .next,
    help: ArgumentHelp(
      "Show what changes until Ctrl-C: in place on a terminal, else a line for each change.", valueName: "seconds"))
  var watch: String?

  @Flag(help: "Print one JSON object: {\"v\":1,\"devices\":[...]}, or {\"v\":1,\"pending\":[...]}.")
  var json = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Print a line for each device, such as '{name} {state}'.", valueName: "format"))
  var format: String?

  @Flag(name: .customLong("no-headers"), help: "Leave the headings out.")
  var noHeaders = false

  @Flag(name: .customLong("no-pager"), help: "Never use a pager.")
  var noPager = false

  @Flag(help: "Show the boxes that wait for 'fleet approve' instead.")
  var pending = false

  func run() throws {
    let (words, period_s) = try wordsAndPeriod()
    try refuseContradictions(words)
    let selector = try DeviceSelector(words)
    let order = try sort.map { text throws(Refusal) in try DeviceSort(parsing: text) } ?? .byName
    let format = try format.map { text throws(Refusal) in try DeviceFormat(parsing: text) }
    let context = try LaptopContext()
    if pending { return try showPending(context.hostA.pending()) }
    if let period_s {
      let watch = ListWatch(
        hostA: context.hostA, selector: selector, all: all, order: order, period_s: period_s, isJSON: json)
      return try watch.run()
    }
    do throws(Refusal) {
      let (devices, now, waiting) = try context.hostA.selectExisting(selector)
      let selection = DeviceSelection(devices, selector: selector, all: all, waiting: waiting)
      try show(selection, order, format, now: now, asOf: nil)
    } catch {
      guard [.hostUnreachable, .hostKeyChanged, .notAnOperator].contains(error.code),
        let known = KnownDevices.read(host: context.host, paths: context.paths)
      else { throw error }
      let age = RelativeTime.length(max(0, known.now.seconds - known.asOf.seconds))
      StandardStreams.note("the last known list, as of \(age) ago (\(known.asOf))")
      let selection = DeviceSelection(known.devices, selector: selector, all: all)
      try show(selection, order, format, now: known.now, asOf: known.asOf)
      throw error
    }
  }

  /// What stands behind `--watch` is a number of seconds, or else the first selector.
  private func wordsAndPeriod() throws(Refusal) -> (words: [String], period_s: Int?) {
    guard let watch else { return (selectors, nil) }
    guard let period_s = Int(watch) else { return ([watch] + selectors, 2) }
    guard (1...3600).contains(period_s) else {
      throw Refusal(.usage, "--watch looks every 1 to 3600 seconds", hint: "fleet list --watch 5")
    }
    return (selectors, period_s)
  }

  private func refuseContradictions(_ words: [String]) throws(Refusal) {
    if pending, all || !words.isEmpty || sort != nil || watch != nil || format != nil {
      throw Refusal(
        .usage, "--pending shows boxes that are no devices yet, so nothing that chooses devices goes with it",
        hint: "fleet list --pending [--json]")
    }
    if format != nil, json || watch != nil {
      throw Refusal(.usage, "--format goes with neither --json nor --watch", hint: "give one of them")
    }
  }

  private func showPending(_ boxes: [PendingBox]) throws(Refusal) {
    if json { return try StandardStreams.print(PendingTable.json(boxes)) }
    if boxes.isEmpty { return StandardStreams.note("no box waits for approval") }
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    try StandardStreams.print(PendingTable.text(boxes, now: LaptopEnvironment.now, style: style))
  }

  private func show(
    _ selection: DeviceSelection, _ order: DeviceSort, _ format: DeviceFormat?, now: Timestamp, asOf: Timestamp?
  ) throws(Refusal) {
    if json { return try StandardStreams.print(selection.json(order, asOf: asOf)) }
    let devices = order.sorted(selection.shown)
    if let format {
      try StandardStreams.print(devices.map(format.line).joined())
    } else if !devices.isEmpty {
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      let width = LaptopEnvironment.isTerminal(STDOUT_FILENO) ? LaptopEnvironment.terminalSize()?.columns : nil
      let table = DeviceTable(width: width, hasHeadings: !noHeaders, isLastKnown: asOf != nil)
      try Pager.print(table.text(devices, now: now, style: style), isWanted: !noPager)
    }
    for remark in selection.remarks { StandardStreams.note(remark) }
  }
}
