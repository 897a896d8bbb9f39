import ArgumentParser
import FleetProtocol

struct ProxyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxy", abstract: "Carry ssh's bytes to a device: a ProxyCommand for your own ssh configuration.",
    usage: "fleet proxy NAME",
    discussion: """
      Before the first byte it writes the device's host keys, under the device's name, to \
      ~/.local/state/fleet/devices/HOSTA/NAME ($XDG_STATE_HOME is respected).

      EXAMPLE, in ~/.ssh/config
        Host kitchen-pi
          ProxyCommand fleet proxy %n
          UserKnownHostsFile ~/.local/state/fleet/devices/hosta.example/%n
          StrictHostKeyChecking yes
      """)

  @Argument(parsing: .captureForPassthrough, help: "The device's name.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  static func run(_ arguments: [String]) throws(Refusal) {
    switch (arguments.first, arguments.count) {
    case ("--hold", 2): DescriptorHandover.hold(path: arguments[1])
    case ("--adopt", 2): try DescriptorHandover.adopt(path: arguments[1])
    case ("--connect", 3):
      let paths = try LaptopEnvironment.paths()
      guard let host = try LaptopEnvironment.configuration(paths).hosts.first(where: { $0.name == arguments[2] })
      else { throw Refusal(.notLoggedIn, "this laptop does not know that HostA any more") }
      let device = try DeviceName(validating: arguments[1])
      try DescriptorHandover.give(try DeviceConnection.open(device, host: host, paths: paths).socket)
    case (_, 1):
      let device = try DeviceName(validating: arguments[0])
      let context = try LaptopContext()
      ByteRelay.run(try DeviceConnection.open(device, host: context.host, paths: context.paths).socket)
    default: throw Refusal(.usage, "which device?", hint: "fleet proxy NAME")
    }
  }
}
