import ArgumentParser
import FleetProtocol

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show everything about one device, and its last outages.",
    usage: "fleet show NAME [--json]",
    discussion: """
      EXAMPLE
        fleet show kitchen-pi
      """)

  @Argument(help: "The device's name.")
  var name: String?

  @Flag(help: "Print the device and its last outages as one JSON object.")
  var json = false

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let reply = try LaptopContext().hostA.show(device)
    if json {
      try StandardStreams.print(JSON.object(reply.object).text + "\n")
    } else {
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      try StandardStreams.print(DeviceDetails.text(reply, now: LaptopEnvironment.now, style: style))
    }
  }
}
