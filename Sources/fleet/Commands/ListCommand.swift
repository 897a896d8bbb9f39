import ArgumentParser
import FleetProtocol

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the devices that are online, or the boxes that wait for approval.",
    discussion: """
      EXAMPLE
        fleet list
        fleet list --all
        fleet list --pending
        fleet list --json | jq -r '.devices[].name'
      """)

  @Flag(help: "Show every device, also those that are offline.")
  var all = false

  @Flag(help: "Show the boxes that wait for 'fleet approve' instead.")
  var pending = false

  @Flag(help: "Print one JSON object: {\"v\":1,\"devices\":[...]}, or {\"v\":1,\"pending\":[...]}.")
  var json = false

  func run() throws {
    guard !(all && pending) else {
      throw Refusal(.usage, "--all shows devices, --pending boxes that are none yet", hint: "give one of them")
    }
    let hostA = try LaptopContext().hostA
    if pending { try showPending(hostA.pending()) } else { try showDevices(hostA.list()) }
  }

  private func showPending(_ boxes: [PendingBox]) throws(Refusal) {
    if json { return try StandardStreams.print(PendingTable.json(boxes)) }
    if boxes.isEmpty { return StandardStreams.note("no box waits for approval") }
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    try StandardStreams.print(PendingTable.text(boxes, now: LaptopEnvironment.now, style: style))
  }

  private func showDevices(
    _ answer: (devices: [DeviceStatus], now: Timestamp, waiting: Int64)
  ) throws(Refusal) {
    let (devices, now, waiting) = answer
    let selection = DeviceSelection(devices, all: all, waiting: waiting)
    if json {
      try StandardStreams.print(selection.json)
      return
    }
    if !selection.shown.isEmpty {
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      try StandardStreams.print(DeviceTable.text(selection.shown, now: now, style: style))
    }
    for remark in selection.remarks { StandardStreams.note(remark) }
  }
}
