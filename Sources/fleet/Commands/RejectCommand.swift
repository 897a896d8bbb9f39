import ArgumentParser
import FleetProtocol

struct RejectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reject", abstract: "Turn boxes away that wait.",
    usage: "fleet reject NAME...",
    discussion: """
      The key that the box has made is refused for as long as its enroll key is there.

      EXAMPLE
        fleet reject kiosk-10000000abcd
      """)

  @Argument(help: "The names under which the boxes wait.")
  var names: [String] = []

  func run() throws {
    guard !names.isEmpty else { throw Refusal(.usage, "which box?", hint: Self.configuration.usage) }
    let boxes = try DeviceNames.parse(names)
    let hostA = try LaptopContext().hostA
    for box in try DeviceNames.unknownFirst(boxes, known: hostA.pending().map(\.name)) {
      try hostA.reject(box)
      StandardStreams.note("rejected \(box)")
    }
  }
}
