import FleetProtocol

/// Which port a new device gets.
struct LeasePolicy {
  /// How long the port of a removed device is not leased again: its old agent may still knock.
  static let quarantine_s: Int64 = 24 * 60 * 60

  var range: PortRange

  /// The lowest port of the range that is neither leased, nor in quarantine, nor in use on the machine. Throws
  /// `range-exhausted`.
  ///
  /// - Parameter lowest: below which none is looked for.
  func lowestFreePort(
    from lowest: TCPPort? = nil, leased: Set<TCPPort>, quarantined: Set<TCPPort>, inUse: Set<TCPPort>
  ) throws(Refusal) -> TCPPort {
    for number in Int(max(lowest ?? range.lower, range.lower).rawValue)..<(Int(range.upper.rawValue) + 1) {
      guard let port = TCPPort(number) else { continue }
      if !leased.contains(port) && !quarantined.contains(port) && !inUse.contains(port) { return port }
    }
    throw Refusal(
      .rangeExhausted, "none of the \(range.count) ports \(range) is free",
      hint: "on HostA, remove devices that are gone, or widen 'ports' in fleet-server.json")
  }
}

/// The ports that one transaction can lease, lowest first. What is leased is read once, however many devices follow.
struct FreePorts {
  var policy: LeasePolicy
  var leased: Set<TCPPort>
  var quarantined: Set<TCPPort>
  var inUse: Set<TCPPort>
  /// The last port that was taken: below it none is free.
  private var last: TCPPort?

  init(policy: LeasePolicy, leased: Set<TCPPort>, quarantined: Set<TCPPort>, inUse: Set<TCPPort>) {
    self.policy = policy
    self.leased = leased
    self.quarantined = quarantined
    self.inUse = inUse
  }

  /// Throws `range-exhausted`.
  mutating func take() throws(Refusal) -> TCPPort {
    let port = try policy.lowestFreePort(from: last, leased: leased, quarantined: quarantined, inUse: inUse)
    leased.insert(port)
    last = port
    return port
  }
}
