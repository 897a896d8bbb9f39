import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct WaitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait until devices are online.",
    usage: "fleet wait NAME... [--timeout TIME] [--state STATE]",
    discussion: """
      Ends with status 0 when all of them are online at once, 4 when the time is over, 3 where there is no such device.

      EXAMPLE
        fleet wait kitchen-pi && fleet ssh kitchen-pi
        fleet ssh kitchen-pi sudo reboot; fleet wait kitchen-pi --state offline && fleet wait kitchen-pi --timeout 5m
      """)

  @Argument(help: "The devices' names.")
  var names: [String] = []

  @Option(help: ArgumentHelp("How long at most, such as 90s, 10m or 1h.", valueName: "time"))
  var timeout = "10m"

  @Option(
    help: ArgumentHelp(
      "What to wait for: \(DeviceState.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "state"))
  var state = DeviceState.online.rawValue

  func run() throws {
    guard !names.isEmpty else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let devices = try DeviceNames.parse(names)
    let limit = try Lifetime(parsing: timeout)
    guard let wanted = DeviceState(rawValue: state) else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(state, limit: 40))' is no state of a device",
        hint: "one of \(DeviceState.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let selector = try DeviceSelector(devices.map(\.rawValue))
    try wait(for: DeviceWait(for: devices, to: wanted), selector, within: limit, LaptopContext().hostA)
  }

  private func wait(
    for awaited: DeviceWait, _ selector: DeviceSelector, within limit: Lifetime, _ hostA: HostRequest
  ) throws(Refusal) {
    var awaited = awaited
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(limit.seconds)
    var complaint: Refusal?
    for look in 0... {
      do throws(Refusal) {
        let devices = try hostA.selectExisting(selector).devices
        complaint = nil
        for news in awaited.look(at: devices) { StandardStreams.note(news) }
      } catch {
        // Who cannot be asked at all is told so at once; later HostA may be away for a moment.
        guard error.code == .hostUnreachable, look > 0 else { throw error }
        if complaint == nil { StandardStreams.note("\(error.message); still waiting") }
        complaint = error
      }
      if complaint == nil, awaited.missing.isEmpty { return }
      if look == 0, LaptopEnvironment.isTerminal(STDERR_FILENO) { StandardStreams.note(awaited.announcement) }
      let left_s = (deadline - clock.now) / .seconds(1)
      guard left_s > 0 else { throw complaint ?? awaited.timeout(after: limit) }
      usleep(UInt32(min(left_s, DeviceWait.pause_s(after: look)) * 1e6))
    }
  }
}
