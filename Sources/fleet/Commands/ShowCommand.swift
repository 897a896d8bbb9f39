import ArgumentParser
import FleetProtocol

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show everything about one device.",
    discussion: """
      EXAMPLE
        fleet show kitchen-pi
      """)

  @Argument(help: "The device's name.")
  var name: String

  @Flag(help: "Print the device as one JSON object.")
  var json = false

  func run() throws {
    let name = try DeviceName(validating: name)
    let device = try LaptopContext().hostA.show(name)
    if json {
      try StandardStreams.print(JSON.object(device.object).text + "\n")
    } else {
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      try StandardStreams.print(DeviceDetails.text(device, now: LaptopEnvironment.now, style: style))
    }
  }
}
