import FleetProtocol

/// Names one connection to HostA. A second one can be dialled beside the first.
struct LinkID: Hashable, Sendable { let number: Int }

/// What happened.
enum TunnelEvent: Hashable, Sendable {
  case start
  case reached(LinkID, LinkPhase)
  case claimed(LinkID, ClaimReply)
  case canary(LinkID, CanaryOutcome)
  /// Something on an established tunnel was not as it should be.
  case suspicion(LinkID)
  case ended(LinkID, LinkFailure)
  case timePassed
  case stop
}

/// What is to be done.
enum TunnelAction: Hashable, Sendable {
  case dial(LinkID, endpoint: Int)
  case probe(LinkID)
  case report(LinkID, ReportBody.DeviceSSHD)
  /// Closes the connection. No event comes from it any more.
  case close(LinkID)
  case finish
}

/// The life of the tunnel: events, time and randomness in, actions out.
struct TunnelMachine: Sendable {
  typealias Instant = ContinuousClock.Instant

  /// From the first packet of a dial until the canary is back. Nothing else catches a server that hangs after its banner.
  static let dialLimit: Duration = .seconds(60)
  static let canaryInterval: Duration = .seconds(300)
  /// While the device's own sshd does not answer: HostA should soon know that it is back.
  static let canaryIntervalWithoutSSHD: Duration = .seconds(30)
  /// The least time between two canaries that suspicion asks for.
  static let suspicionInterval: Duration = .seconds(10)

  /// One connection that was dialled and not closed.
  struct Link: Hashable, Sendable {
    let id: LinkID
    let endpoint: Int
    var phase: LinkPhase = .resolving
    let dialled: Instant
    var upSince: Instant?
    /// `nil` while a canary is out.
    var nextCanary: Instant?
    var lastCanary: Instant?
    /// What HostA was told of the device's sshd.
    var reported: ReportBody.DeviceSSHD = .up
  }

  private let endpoints: [String]
  private(set) var links: [Link] = []
  private(set) var state: TunnelState
  private(set) var since: Instant
  /// Dials since a tunnel was last up.
  private(set) var tries = 0
  private(set) var lastFailure: LinkFailure?
  private var backoff = Backoff()
  private var nextNumber = 1
  /// The endpoint that worked last.
  private var preferred = 0
  /// Endpoints that this round of dials has not tried yet.
  private var untried: [Int] = []
  private var roundCause = Backoff.Cause.unanswered
  private var redialAt: Instant?
  private var isStopped = false

  /// `endpoints` are the ways to HostA, as people read them; at least one.
  init(endpoints: [String], now: Instant) {
    self.endpoints = endpoints
    state = .dialling(.resolving, endpoint: endpoints[0])
    since = now
  }

  /// When `timePassed` is due at the latest.
  var deadline: Instant? {
    var times = links.map { $0.phase == .up ? $0.nextCanary : $0.dialled + Self.dialLimit }
    times.append(redialAt)
    return times.compactMap(\.self).min()
  }

  mutating func handle(_ event: TunnelEvent, at now: Instant, using random: inout some RandomNumberGenerator)
    -> [TunnelAction]
  {
    guard !isStopped else { return [] }
    defer { updateState(now: now) }
    switch event {
    case .start: return startRound(now: now)
    case .reached(let id, let phase):
      update(id) { link in if link.phase < phase, phase < .up { link.phase = phase } }
      return []
    case .claimed(let id, let reply):
      guard links.contains(where: { $0.id == id }) else { return [] }
      backoff.announced(window_s: reply.reconnectWindow_s)
      update(id) { $0.phase = .forwarding }
      return []
    case .canary(let id, let outcome): return canaryReturned(id, outcome, now: now, using: &random)
    case .suspicion(let id): return suspect(id, now: now)
    case .ended(let id, let failure): return ended(id, failure, now: now, using: &random)
    case .timePassed: return timePassed(now: now, using: &random)
    case .stop:
      isStopped = true
      let closes = links.map { TunnelAction.close($0.id) }
      links = []
      redialAt = nil
      return closes + [.finish]
    }
  }

  private mutating func startRound(now: Instant) -> [TunnelAction] {
    untried = [preferred] + endpoints.indices.filter { $0 != preferred }
    roundCause = .unanswered
    return dialNext(now: now)
  }

  private mutating func dialNext(now: Instant) -> [TunnelAction] {
    redialAt = nil
    let link = Link(id: LinkID(number: nextNumber), endpoint: untried.removeFirst(), dialled: now)
    nextNumber += 1
    tries += 1
    links.append(link)
    return [.dial(link.id, endpoint: link.endpoint)]
  }

  private mutating func canaryReturned(
    _ id: LinkID, _ outcome: CanaryOutcome, now: Instant, using random: inout some RandomNumberGenerator
  ) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }) else { return [] }
    switch outcome {
    case .lost(let reason):
      return [.close(id)] + ended(id, .canaryLost(reason), now: now, using: &random)
    case .proved(let sshd):
      var actions: [TunnelAction] = []
      if link.phase != .up {
        // HostA's takeover ends the older connection anyway; two established ones are never kept here.
        for older in links where older.id != id && older.phase == .up {
          actions.append(.close(older.id))
          links.removeAll { $0.id == older.id }
        }
        preferred = link.endpoint
        tries = 0
        lastFailure = nil
        redialAt = nil
      }
      let interval = sshd == .down ? Self.canaryIntervalWithoutSSHD : Self.canaryInterval
      let pause = Backoff.random(from: interval * 9 / 10, to: interval * 11 / 10, using: &random)
      update(id) { link in
        link.phase = .up
        link.upSince = link.upSince ?? now
        link.nextCanary = now + pause
        link.lastCanary = now
      }
      if let sshd, sshd != link.reported {
        update(id) { $0.reported = sshd }
        actions.append(.report(id, sshd))
      }
      return actions
    }
  }

  private mutating func suspect(_ id: LinkID, now: Instant) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }), link.phase == .up, let last = link.lastCanary,
      link.nextCanary != nil
    else { return [] }
    let soonest = last + Self.suspicionInterval
    guard soonest <= now else {
      update(id) { $0.nextCanary = min($0.nextCanary ?? soonest, soonest) }
      return []
    }
    update(id) { $0.nextCanary = nil }
    return [.probe(id)]
  }

  private mutating func ended(
    _ id: LinkID, _ failure: LinkFailure, now: Instant, using random: inout some RandomNumberGenerator
  ) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }) else { return [] }
    links.removeAll { $0.id == id }
    lastFailure = failure
    if let upSince = link.upSince {
      backoff.connectionLived(upSince.duration(to: now))
      untried = []
      roundCause = .answered
    }
    guard links.isEmpty else { return [] }
    roundCause = max(roundCause, failure.cause)
    if failure.isOfEndpoint, !untried.isEmpty { return dialNext(now: now) }
    redialAt = now + backoff.delay(after: roundCause, using: &random)
    return []
  }

  private mutating func timePassed(now: Instant, using random: inout some RandomNumberGenerator) -> [TunnelAction] {
    var actions: [TunnelAction] = []
    for link in links {
      if link.phase == .up, let due = link.nextCanary, due <= now {
        update(link.id) { $0.nextCanary = nil }
        actions.append(.probe(link.id))
      } else if link.phase < .up, link.dialled + Self.dialLimit <= now {
        actions.append(.close(link.id))
        actions += ended(link.id, .timedOut(link.phase), now: now, using: &random)
      }
    }
    if let redialAt, redialAt <= now { actions += startRound(now: now) }
    return actions
  }

  private mutating func update(_ id: LinkID, _ change: (inout Link) -> Void) {
    guard let index = links.firstIndex(where: { $0.id == id }) else { return }
    change(&links[index])
  }

  private mutating func updateState(now: Instant) {
    let previous = state
    if isStopped {
      state = .stopped
    } else if let link = links.max(by: { $0.phase < $1.phase }) {
      let endpoint = endpoints[link.endpoint]
      state = link.phase == .up ? .up(endpoint: endpoint) : .dialling(link.phase, endpoint: endpoint)
    } else if let redialAt, let lastFailure {
      state = .waiting(until: redialAt, why: lastFailure)
    }
    if state != previous { since = now }
  }
}
