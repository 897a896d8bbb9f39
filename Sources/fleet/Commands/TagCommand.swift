import ArgumentParser
import FleetProtocol

struct TagCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Show, set and remove a device's tags.",
    usage: "fleet tag NAME [KEY=VALUE...] [KEY-...]",
    discussion: """
      KEY=VALUE sets a tag, KEY- removes it. What is printed are the device's tags as they are then, one a line.

      EXAMPLE
        fleet tag kitchen-pi site=berlin rack=7
        fleet tag kitchen-pi rack-
        fleet tag kitchen-pi
      """)

  @Argument(help: "The device's name.")
  var name: String?

  @Argument(help: ArgumentHelp("What to change.", valueName: "key=value|key-"))
  var changes: [String] = []

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let change = try TagChange(parsing: changes)
    let hostA = try LaptopContext().hostA
    let tags = try changes.isEmpty ? hostA.show(device).device.tags : hostA.tag(device, change)
    if tags.isEmpty { return StandardStreams.note("\(device) has no tags") }
    let lines = tags.sorted { $0.key < $1.key }.map { DisplayText.escaped("\($0.key)=\($0.value)") + "\n" }
    try StandardStreams.print(lines.joined())
  }
}
