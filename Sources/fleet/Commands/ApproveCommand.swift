import ArgumentParser
import FleetProtocol

struct ApproveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Make devices of boxes that wait.",
    usage: "fleet approve NAME... [--as NEW] [--user LOGIN] [--tag KEY=VALUE]",
    discussion: """
      'fleet list --pending' shows the boxes that wait, with the fingerprint of the key that each has made. Compare it \
      with what 'ssh-keygen -lf' says on the box, where it matters who it is.

      EXAMPLE
        fleet approve kiosk-10000000abcd
        fleet approve kiosk-10000000abcd --as lobby --tag site=berlin
      """)

  @Argument(help: "The names under which the boxes wait.")
  var names: [String] = []

  @Option(help: ArgumentHelp("The name that the device gets.", valueName: "new"))
  var `as`: String?

  @Option(help: ArgumentHelp("The account that 'fleet ssh' logs in as.", valueName: "login"))
  var user: String?

  @Option(help: ArgumentHelp("A tag besides the enroll key's; may be repeated.", valueName: "key=value"))
  var tag: [String] = []

  func run() throws {
    guard !names.isEmpty else { throw Refusal(.usage, "which box?", hint: Self.configuration.usage) }
    let boxes = try DeviceNames.parse(names)
    let body = ApproveBody(
      name: try `as`.map { text throws(Refusal) in try DeviceName(validating: text) },
      user: try user.map { text throws(Refusal) in try LoginName(validating: text) },
      tags: try TagChange.settings(parsing: tag))
    guard body.name == nil || boxes.count == 1 else {
      throw Refusal(
        .usage, "--as names one device, and these are \(boxes.count) boxes", hint: "approve them one by one")
    }
    let context = try LaptopContext()
    let hostA = context.hostA
    for box in try DeviceNames.unknownFirst(boxes, known: hostA.pending().map(\.name)) {
      let device = try hostA.approve(box, body)
      context.pins(of: device.name).forget()
      let name = device.name == box ? "" : " as \(device.name)"
      StandardStreams.note("approved \(box)\(name): port \(device.port); it comes when it asks again")
    }
  }
}
