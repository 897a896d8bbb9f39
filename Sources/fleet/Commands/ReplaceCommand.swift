import ArgumentParser
import FleetProtocol

struct ReplaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replace", abstract: "Make another box the device, because the old one is broken, lost or too slow.",
    usage: "fleet replace NAME [--user LOGIN] (--to [USER@]BOX[:PORT] | --bundle FILE.tar)",
    discussion: """
      The new box gets the device's name, port and tags. From then on the old box's key is refused, and its tunnel is \
      ended; with --bundle that is when the archive is made, not when the new box comes. Everything else, and every \
      option, is as with 'fleet provision'; with --bundle people log in as before unless --user says otherwise. \
      Running the same command again continues.

      With --to this laptop sees the new box's host keys and accepts them; with --bundle the next 'fleet ssh' from here \
      tells the new one in a line. Other laptops refuse it until somebody there runs 'fleet trust NAME --accept'.

      EXAMPLE
        fleet replace kitchen-pi --to pi@192.168.1.51
        fleet replace attic-pi --bundle attic-pi-2.tar
      """)

  @OptionGroup var options: ProvisionCommand

  func run() throws {
    guard options.name != nil else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    try options.run(.replace)
  }
}
