import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take devices out of the fleet.",
    usage: "fleet remove NAME... [--yes]",
    discussion: """
      A removed device's key is refused, its tunnel ends, and its port is leased to nobody for a day. The agent on \
      the box is not touched; 'install.sh --uninstall' there removes it.

      EXAMPLE
        fleet remove kitchen-pi
        fleet remove --yes kiosk-1 kiosk-2
      """)

  @Argument(help: "The devices' names.")
  var names: [String] = []

  @Flag(help: "Do not ask.")
  var yes = false

  func run() throws {
    guard !names.isEmpty else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let devices = try DeviceNames.parse(names)
    guard yes || LaptopEnvironment.isTerminal(STDIN_FILENO) && LaptopEnvironment.isTerminal(STDERR_FILENO) else {
      throw Refusal(.usage, "nobody is here to confirm the removal", hint: "fleet remove --yes NAME...")
    }
    let context = try LaptopContext()
    let (known, now, _) = try context.hostA.list()
    let statuses = try devices.map { device in
      // HostA refuses the name, and says which are near, before anything was removed.
      try known.first { $0.name == device } ?? context.hostA.show(device).device
    }
    if !yes { try confirm(statuses, now: now) }
    for device in devices {
      let reply = try context.hostA.remove(device)
      context.pins(of: device).forget()
      let ended = reply.ended ? "its tunnel was ended" : "it had no tunnel"
      StandardStreams.note("removed \(device): \(ended); port \(reply.port) rests for a day")
    }
  }

  private func confirm(_ devices: [DeviceStatus], now: Timestamp) throws(Refusal) {
    for device in devices {
      let seen = RelativeTime.text(device.lastSeen, now: now)
      StandardStreams.note("\(device.name) is \(device.state.rawValue), last seen: \(seen), port \(device.port)")
    }
    let what = devices.count == 1 ? "it" : "these \(devices.count) devices"
    StandardStreams.note("Remove \(what)? Nobody reaches a removed device any more. Type yes to do it.")
    guard readLine()?.lowercased() == "yes" else {
      throw Refusal(.notConfirmed, "the removal was not confirmed, so nothing was removed")
    }
  }
}
