import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct ProxyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proxy", abstract: "Carry ssh's bytes to a device: a ProxyCommand for your own ssh configuration.",
    usage: "fleet proxy NAME",
    discussion: """
      'fleet config-ssh' sets this up for every device at once. Before the first byte it writes the device's host keys, \
      under the device's name, to ~/.local/state/fleet/devices/HOSTA/NAME ($XDG_STATE_HOME is respected).

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
    case ("--connect", 2):
      let device = try DeviceName(validating: arguments[1])
      let context = try LaptopContext()
      try DescriptorHandover.give(
        try DeviceConnection.open(device, host: context.host, paths: context.paths).socket)
    case ("--learn", 2): do { try learn(arguments[1]) } catch { _exit(error.code.exitStatus.rawValue) }
    case ("--pass", 2):
      do { try DescriptorHandover.give(try plainSSH(arguments[1]).socket) } catch {
        // An ssh that gets a connection that has ended says less about it than one that gets none.
        try? DescriptorHandover.give(DescriptorHandover.ended())
        throw error
      }
    case (_, 1):
      let name = try FleetHostName(parsing: arguments[0])
      let context = try LaptopContext(of: name)
      ByteRelay.run(try DeviceConnection.open(name.device, host: context.host, paths: context.paths).socket)
    default: throw Refusal(.usage, "which device?", hint: "fleet proxy NAME")
    }
  }

  /// While ssh reads its configuration: it is about to look up who logs in on the device. What is wrong it hears from
  /// its ProxyCommand.
  private static func learn(_ text: String) throws(Refusal) {
    let name = try FleetHostName(parsing: text)
    let context = try LaptopContext(of: name)
    let book = LoginBookFile(path: context.paths.sshLogins)
    guard book.content.logins[text] == nil else { return }
    try book.set(context.hostA.show(name.device).device.user, for: text)
  }

  /// Opens the way for an ssh that knows the device by the block of `fleet config-ssh`.
  private static func plainSSH(_ text: String) throws(Refusal) -> DeviceConnection {
    let name = try FleetHostName(parsing: text)
    let context = try LaptopContext(of: name)
    let connection = try DeviceConnection.open(name.device, host: context.host, paths: context.paths)
    let user = connection.header.user
    let book = LoginBookFile(path: context.paths.sshLogins)
    let finding = book.content.finding(on: text, login: user)
    if finding != .known { try book.set(user, for: text) }
    switch finding {
    case .known: break
    case .changed(let old):
      StandardStreams.note(
        "fleet: people log in to \(name.device) as \(user) now, not as \(old); ssh does from its next run")
    case .unknown:
      throw Refusal(
        .ioFailed, "HostA did not say in time that people log in to \(name.device) as \(user)",
        hint: "it is known now: run the same command again")
    }
    return connection
  }
}
