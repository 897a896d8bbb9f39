import ArgumentParser
import FleetProtocol

struct RekeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rekey", abstract: "Have a device replace its key, because somebody may have copied it.",
    usage: "fleet rekey NAME",
    discussion: """
      The device makes a key of its own at its next contact, and the old one is refused from then on. If it is \
      online its tunnel is ended, so that this happens at once.

      EXAMPLE
        fleet rekey kitchen-pi
      """)

  @Argument(help: "The device's name.")
  var name: String?

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let ended = try LaptopContext().hostA.rekey(device)
    StandardStreams.note(
      ended
        ? "\(device) is asked to replace its key; its tunnel was ended, so that it comes at once"
        : "\(device) will be asked to replace its key when it connects")
  }
}
