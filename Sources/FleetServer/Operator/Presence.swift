import FleetProtocol

/// What is known about a device at one moment, gathered from session file, process table and kernel.
struct PresenceEvidence: Hashable {
  enum Listener: Hashable {
    case none
    /// A process of fleet-server's own account holds the device's port.
    case own
    /// Another account does.
    case foreign
  }

  enum Connection: Hashable {
    /// This system does not answer such questions.
    case untold
    case none
    case established(ConnectionHealth)
  }

  var session: SessionRecord?
  /// The recorded sshd is alive.
  var isSessionAlive: Bool
  var listener: Listener
  var connection: Connection
  /// From the registry.
  var lastSeen_s: Int64?
  var now_s: Int64
}

/// How a device is, decided from the evidence.
struct Presence: Hashable {
  var state: DeviceState
  var note: String?
  var lastSeen_s: Int64?
  var health: ConnectionHealth?

  init(_ evidence: PresenceEvidence) {
    let known_s = [evidence.lastSeen_s, evidence.session?.claimed_s].compactMap { $0 }.max()
      .map { WallClockRule.past($0, now_s: evidence.now_s) }
    lastSeen_s = known_s
    if evidence.isSessionAlive, case .established(let health) = evidence.connection {
      self.health = health
      lastSeen_s = max(known_s ?? 0, evidence.now_s - health.silence_ms / 1000)
    }
    guard evidence.listener != .foreign else {
      state = .offline
      note = "blocked by another process"
      return
    }
    guard let session = evidence.session, evidence.isSessionAlive else {
      state = .offline
      return
    }
    guard evidence.listener == .own else {
      state = .offline
      note = "connected, its tunnel is not up yet"
      return
    }
    switch evidence.connection {
    case .untold: state = .unknown
    case .none: state = .offline
    case .established(let health):
      state = session.isSilent(health) ? .stale : .online
    }
    guard state != .offline else { return }
    var notes = session.deviceSSHD == .down ? ["ssh down on the device"] : []
    if let dispute = session.history.dispute(now_s: evidence.now_s) {
      state = .duplicate
      notes.append(
        "two boxes use its key: the one at \(dispute.holder.address) has the port, "
          + "the one at \(dispute.other.address) is refused")
    }
    note = notes.isEmpty ? nil : notes.joined(separator: "; ")
  }
}
