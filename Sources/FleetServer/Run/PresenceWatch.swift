import FleetProtocol
import Glibc

/// Looks at all devices now and then: writes to the registry who came and who went, and ends connections that have
/// been silent for long.
struct PresenceWatch {
  let home: Home
  private var registry: WatchedRegistry
  private var sessions: SessionCache
  private var history: PresenceHistory?
  private var silence = SilenceRule()
  private var lastTrouble: String?
  /// When what removed devices have left is looked for.
  private var sweepAt = ContinuousClock.now
  /// When this machine began by what the clock says: another time after the clock was set.
  private var lastBootedAt_s: Int64?

  init(home: Home) {
    self.home = home
    registry = WatchedRegistry(home: home)
    sessions = SessionCache(home: home)
  }

  /// A registry that cannot be read or written is logged once, and what changed is written when it can be again.
  mutating func sample() {
    do throws(Refusal) {
      try look()
      lastTrouble = nil
    } catch {
      registry.close()
      trouble(error)
    }
  }

  private mutating func look() throws(Refusal) {
    let snapshot = try HostSnapshot.take(home)
    sessions.refresh()
    let isSweeping = ContinuousClock.now >= sweepAt
    // Before the registry is read: a device is in the registry before it has a session.
    let found = isSweeping ? SessionFile.devices(home: home) : []
    let devices = try registry.devices()
    if history == nil { history = PresenceHistory(online: try registry.open().devicesRecordedOnline()) }
    try mendAfterClock(devices, now_s: snapshot.now_s)
    var samples: [PresenceSample] = []
    samples.reserveCapacity(devices.count)
    for device in devices {
      let session = sessions.session(of: device.id)
      if device.awaitsHostKeys, let session, !session.claim.hostKeys.isEmpty {
        try registry.change { (registry) throws(Refusal) in
          _ = try registry.adopt(
            session.claim.hostKeys, for: device.id, from: "\(session.connection.remote)", now_s: snapshot.now_s)
        }
      }
      let presence = snapshot.quickPresence(port: device.port, recordedSeen_s: device.lastSeen_s, session: session)
      samples.append(
        PresenceSample(
          device: device.id, presence: presence, session: session, recordedSeen_s: device.lastSeen_s))
    }
    if let (next, transitions) = history?.after(samples, now_s: snapshot.now_s) {
      if !transitions.isEmpty {
        try registry.change { (registry) throws(Refusal) in try registry.record(transitions) }
      }
      history = next
    }
    endSilent(samples.compactMap(\.session), snapshot)
    try expire(devices, snapshot)
    guard isSweeping else { return }
    try SessionSweep.run(
      found.subtracting(devices.map(\.id)), known: Set(samples.compactMap(\.session?.sshd)), home: home)
    sweepAt = ContinuousClock.now + .seconds(60)
  }

  /// Where the clock was ahead and is right again, what it has told counts no more: sights of devices in the future, and
  /// enroll keys that had expired.
  private mutating func mendAfterClock(_ devices: [WatchedDevice], now_s: Int64) throws(Refusal) {
    if devices.contains(where: { ($0.lastSeen_s ?? 0) > now_s }) {
      try registry.change { (registry) throws(Refusal) in try registry.mendFutureSights(now_s: now_s) }
    }
    let bootedAt_s = now_s - Int64(ProcessTable.ticks() / ProcessTable.ticksPerSecond)
    defer { lastBootedAt_s = bootedAt_s }
    guard let lastBootedAt_s, !WallClockRule.isNear(lastBootedAt_s, now_s: bootedAt_s, within_s: 60) else { return }
    let keyFile = try KeyFile(home: home, settings: try HostSettings.read(home), account: try Account.current())
    try keyFile.update(from: try registry.open())
  }

  private mutating func expire(_ devices: [WatchedDevice], _ snapshot: HostSnapshot) throws(Refusal) {
    let isDue = devices.contains { device in
      guard let expires_s = device.expires_s else { return false }
      let isSeen = device.lastSeen_s != nil || sessions.session(of: device.id) != nil
      return ExpiryRule.step(expires_s: expires_s, isSeen: isSeen, now_s: snapshot.now_s) != .wait
    }
    guard isDue else { return }
    let home = home
    try registry.change { (registry) throws(Refusal) in
      try DeviceExpiry.run(registry, home: home, now_s: snapshot.now_s)
    }
  }

  /// Nothing but the recorded sshd is ever signalled, and only after a look at it in /proc.
  private mutating func endSilent(_ sessions: [SessionRecord], _ snapshot: HostSnapshot) {
    var silent: [ProcessIdentity: (session: SessionRecord, health: ConnectionHealth)] = [:]
    for session in sessions {
      if let health = snapshot.connections?[session.connection],
        SilenceRule.isOver(health, keepalive_s: session.claim.keepalive_s)
      {
        silent[session.sshd] = (session, health)
      }
    }
    for (sshd, step) in silence.steps(for: Set(silent.keys)) {
      guard
        sshd.isLivingSSHD(ProcessTable.process(sshd.pid), bootID: snapshot.bootID, uid: snapshot.uid),
        let (session, health) = silent[sshd]
      else { continue }
      kill(sshd.pid, step == .kill ? SIGKILL : SIGTERM)
      StandardError.write(
        "ended the connection from \(session.connection.remote): nothing came for \(health.silence_ms / 1000) s")
    }
  }

  /// Records all devices as gone, because their tunnels end with this program.
  mutating func end() {
    guard let endings = history?.endings, !endings.isEmpty else { return }
    do throws(Refusal) { try registry.open().record(endings) } catch { trouble(error) }
  }

  private mutating func trouble(_ refusal: Refusal) {
    guard lastTrouble != refusal.message else { return }
    lastTrouble = refusal.message
    StandardError.write(refusal)
  }
}
