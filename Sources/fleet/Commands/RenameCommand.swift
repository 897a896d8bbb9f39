import ArgumentParser
import FleetProtocol

struct RenameCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename", abstract: "Give a device another name.",
    usage: "fleet rename NAME NEW",
    discussion: """
      The device keeps its port, key and tunnel, and does not notice.

      EXAMPLE
        fleet rename kitchen-pi hall-pi
      """)

  @Argument(help: "The device's name.")
  var name: String?

  @Argument(help: "The name that it gets.")
  var new: String?

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    guard let new else { throw Refusal(.usage, "which new name?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let renamed = try DeviceName(validating: new)
    let context = try LaptopContext()
    guard try context.hostA.rename(device, to: renamed) else {
      return StandardStreams.note("\(device) has that name already")
    }
    try context.pins(of: device).move(to: context.pins(of: renamed))
    StandardStreams.note("\(device) is \(renamed) from now on; now: fleet ssh \(renamed)")
  }
}
