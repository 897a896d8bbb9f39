import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Waits until HostA calls a device online whose agent was started just now.
struct OnlineWait {
  let device: DeviceName
  let hostA: HostRequest
  let setup: BoxSetup

  /// How long a freshly started agent may take to show up.
  private static let limit = Duration.seconds(60)

  /// Throws `step-failed`, with what the agent says of itself.
  func run() throws(Refusal) {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.limit
    while try !isOnline() {
      try StepReporter.stopIfInterrupted()
      guard clock.now < deadline else {
        let status = try setup.box.outcome(of: BoxScript.agentStatus(setup.facts))
        let said = BoxFailure.ofAgent(status: status.text) ?? LastLine.of(status.errorText)
        throw Refusal(
          .stepFailed,
          "\(device) did not come online within \(Self.limit.components.seconds) s"
            + (said.map { "; the agent says: \($0)" } ?? ""),
          hint: "on the box, see 'fleet-agent status', and whether it can reach HostA")
      }
      usleep(250_000)
    }
  }

  /// Whether HostA calls the device online, or cannot tell. A question that did not get through is asked again.
  private func isOnline() throws(Refusal) -> Bool {
    do throws(Refusal) {
      return [.online, .unknown].contains(try hostA.show(device).device.state)
    } catch {
      guard error.code == .hostUnreachable else { throw error }
      return false
    }
  }
}
