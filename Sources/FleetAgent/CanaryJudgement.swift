import FleetProtocol

/// What a canary says of the tunnel.
enum CanaryOutcome: Hashable, Sendable {
  /// The tunnel leads back to this device. Whether the device's own sshd is well is `nil` when it was not asked.
  case proved(ReportBody.DeviceSSHD?)
  case lost(String)
}

/// Judges a canary: a connection from HostA to the device's own leased port, which must come back through the tunnel
/// down to the banner of the device's own sshd.
struct CanaryJudgement: Hashable, Sendable {
  static let limit: Duration = .seconds(15)

  let deadline: ContinuousClock.Instant
  /// Connections that came through the tunnel since the canary set out.
  private var arrivals = 0
  private var unserved = 0
  private var received: [UInt8] = []
  private var end: String?

  init(now: ContinuousClock.Instant) { deadline = now + Self.limit }

  /// A connection came through the tunnel. `isServed` is false when the agent has too many to serve it.
  mutating func arrived(isServed: Bool) {
    arrivals += 1
    if !isServed { unserved += 1 }
  }

  mutating func receive(_ bytes: some Sequence<UInt8>) { received += bytes.prefix(256) }

  /// The canary's connection was refused, or ended from the other side.
  mutating func ended(_ reason: String) { end = end ?? reason }

  /// Whether nothing that may still come can change the outcome.
  var hasHeardEnough: Bool { received.starts(with: "SSH-".utf8) || received.contains(0x0A) || received.count >= 255 }

  /// What it comes to, `nil` while it is still out.
  func outcome(now: ContinuousClock.Instant) -> CanaryOutcome? {
    guard hasHeardEnough || end != nil || now >= deadline else { return nil }
    guard arrivals > 0 else {
      return .lost(received.isEmpty ? end ?? "the canary did not come back" : "another program answers on the port")
    }
    if received.starts(with: "SSH-".utf8) { return .proved(.up) }
    // "Not allowed at this time" and the like come from an sshd that turns its clients away for a while.
    return .proved(unserved > 0 ? nil : .down)
  }
}
