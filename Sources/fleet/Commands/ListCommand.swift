import ArgumentParser
import FleetProtocol

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the devices that are online.",
    discussion: """
      EXAMPLE
        fleet list
        fleet list --all
        fleet list --json | jq -r '.devices[].name'
      """)

  @Flag(help: "Show every device, also those that are offline.")
  var all = false

  @Flag(help: "Print one JSON object: {\"v\":1,\"devices\":[...]}.")
  var json = false

  func run() throws {
    let (devices, now) = try LaptopContext().hostA.list()
    let selection = DeviceSelection(devices, all: all)
    if json {
      try StandardStreams.print(selection.json)
      return
    }
    if !selection.shown.isEmpty {
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      try StandardStreams.print(DeviceTable.text(selection.shown, now: now, style: style))
    }
    if let remark = selection.remark { StandardStreams.note(remark) }
  }
}
