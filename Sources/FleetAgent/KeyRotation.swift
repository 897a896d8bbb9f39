import FleetProtocol

/// The replacement of the device's key, so that at every moment one of the keys on disk opens HostA.
///
/// The next key is on disk before HostA hears of it, and takes the place of the old one only when HostA has said, on a
/// connection that was opened with it, that it is the device's only one. Whatever was cut off is asked again: which key
/// HostA accepts, of the two that are shown to it, tells where the replacement stands.
struct KeyRotation: Hashable, Sendable {
  enum Event: Hashable, Sendable {
    /// The tunnel that is up now, if any, is another one than before.
    case tunnel(Tunnel?)
    case made
    case notMade(String)
    /// What HostA said to `rotate-key`, and how many sessions the tunnel carries now.
    case answered(LinkID, Result<Reply, LinkFailure>, channels: Int = 0)
    case installed
    case notInstalled(String)
    case timePassed
  }

  enum Action: Hashable, Sendable {
    /// Makes the next key and writes it to the disk.
    case make
    /// Asks HostA to take the next key for the device's.
    case ask(LinkID)
    /// Opens another connection beside the tunnel, to which the next key is shown first.
    case renew
    /// Puts the next key in the place of the old one.
    case install
    /// Deletes the next key.
    case discard
    case tell(String)
    case warn(String)
  }

  /// A tunnel that is up.
  struct Tunnel: Hashable, Sendable {
    let id: LinkID
    /// Which of the keys on disk HostA accepted.
    let key: DeviceKey.Role
    /// Whether HostA wants the key replaced.
    var isWanted: Bool
  }

  /// The first wait before something is tried again; longer than a dial may take.
  static let firstPause: Duration = .seconds(90)
  static let longestPause: Duration = .seconds(3600)

  /// The new key's connection takes the tunnel over, which cuts sessions off: so long is waited for a moment without any.
  static let patience: Duration = .seconds(900)
  /// The shortest time after which is looked again whether there is none.
  static let busyPause: Duration = .seconds(20)

  private(set) var tunnel: Tunnel?
  /// Whether the next key is on disk.
  private var hasNext: Bool
  private var asking: LinkID?
  private var attempt = 0
  /// Since when sessions keep the new key waiting.
  private var busySince: Monotonic?
  /// What stands in the way.
  private var problem: String?
  /// What was warned of since a key was last replaced.
  private var warned: Set<String> = []
  /// When to try again.
  private(set) var deadline: Monotonic?

  init(hasNext: Bool) { self.hasNext = hasNext }

  mutating func handle(_ event: Event, at now: Monotonic, using random: inout some RandomNumberGenerator) -> [Action] {
    switch event {
    case .tunnel(let tunnel):
      self.tunnel = tunnel
      asking = nil
      guard let tunnel else { return [] }
      if !hasNext, !tunnel.isWanted { problem = nil }
      // HostA said that both keys open it, and accepted only the old one again: not a third time at once.
      if hasNext, tunnel.key == .current, attempt > 0 {
        if deadline == nil { pause(now: now, using: &random) }
        return []
      }
      return goOn()
    case .made:
      hasNext = true
      problem = nil
      return [.tell("HostA wants this device's key replaced: a new one is made")] + goOn()
    case .notMade(let reason):
      return stumble("the device's key is to be replaced, but a new one cannot be written: \(reason)")
    case .answered(let id, let answer, let channels):
      guard asking == id, let tunnel else { return [] }
      asking = nil
      return answered(answer, on: tunnel, channels: channels, now: now, using: &random)
    case .installed:
      // What the tunnel's claim asked for is done.
      tunnel?.isWanted = false
      hasNext = false
      attempt = 0
      problem = nil
      warned = []
      deadline = nil
      return [.tell("the device's key is replaced")]
    case .notInstalled(let reason):
      pause(now: now, using: &random)
      return stumble("the device's new key cannot take the old one's place: \(reason)")
    case .timePassed:
      guard let due = deadline, due <= now else { return [] }
      return goOn()
    }
  }

  /// What `fleet-agent status` says of it, while there is something to say.
  var sentence: String? { problem ?? (hasNext ? "being replaced by a new one" : nil) }

  private mutating func goOn() -> [Action] {
    deadline = nil
    guard let tunnel, asking == nil else { return [] }
    if hasNext {
      asking = tunnel.id
      return [.ask(tunnel.id)]
    }
    return tunnel.isWanted ? [.make] : []
  }

  private mutating func answered(
    _ answer: Result<Reply, LinkFailure>, on tunnel: Tunnel, channels: Int, now: Monotonic,
    using random: inout some RandomNumberGenerator
  ) -> [Action] {
    switch answer {
    case .success(.ok(let fields)):
      guard let reply = try? RotateKeyReply(fields) else { break }
      problem = nil
      // Only a connection that the new key opened proves that it does.
      if tunnel.key == .next, reply.state == .current { return [.install] }
      if tunnel.key == .current, channels > 0, isPatient(now: now) {
        deadline = now + Backoff.uniform(from: Self.busyPause, to: Self.busyPause * 3 / 2, using: &random)
        return []
      }
      busySince = nil
      pause(now: now, using: &random)
      return tunnel.key == .next ? [] : [.renew]
    case .success(.refused(let refusal)) where refusal.code == .keyTaken && tunnel.key == .current:
      hasNext = false
      pause(now: now, using: &random)
      return [.discard] + stumble("HostA does not take the device's new key: \(refusal.message)")
    case .success(.refused(let refusal)):
      pause(now: now, using: &random)
      return stumble("HostA does not replace the device's key: \(refusal.message)")
    case .failure: break
    }
    pause(now: now, using: &random)
    return stumble("HostA's answer to the device's new key is not understood")
  }

  private mutating func isPatient(now: Monotonic) -> Bool {
    let since = busySince ?? now
    busySince = since
    return since.duration(to: now) < Self.patience
  }

  private mutating func pause(now: Monotonic, using random: inout some RandomNumberGenerator) {
    let least = min(Self.firstPause * (1 << min(attempt, 6)), Self.longestPause)
    attempt += 1
    deadline = now + Backoff.uniform(from: least, to: least * 3 / 2, using: &random)
  }

  /// Warns of what has not been warned of.
  private mutating func stumble(_ problem: String) -> [Action] {
    self.problem = problem
    return warned.insert(problem).inserted ? [.warn(problem)] : []
  }
}
