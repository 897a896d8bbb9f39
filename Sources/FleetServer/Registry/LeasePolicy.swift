import FleetProtocol

/// Which port a new device gets.
struct LeasePolicy {
  /// How long the port of a removed device is not leased again: its old agent may still knock.
  static let quarantine_s: Int64 = 24 * 60 * 60

  var range: PortRange

  /// The lowest port of the range that is neither leased, nor in quarantine, nor in use on the machine. Throws
  /// `range-exhausted`.
  func lowestFreePort(leased: Set<TCPPort>, quarantined: Set<TCPPort>, inUse: Set<TCPPort>) throws(Refusal) -> TCPPort {
    for number in range.lower.rawValue...range.upper.rawValue {
      guard let port = TCPPort(number) else { continue }
      if !leased.contains(port) && !quarantined.contains(port) && !inUse.contains(port) { return port }
    }
    throw Refusal(
      .rangeExhausted, "none of the \(range.count) ports \(range) is free",
      hint: "on HostA, remove devices that are gone, or widen 'ports' in fleet-server.json")
  }
}
