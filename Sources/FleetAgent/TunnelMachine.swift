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
  /// What was sent is not acknowledged: the tunnel is slow, or silently dead.
  case silent(LinkID)
  /// Something came on a tunnel that was silent.
  case heard(LinkID)
  /// The machine has another address, route or carrier.
  case networkChanged
  /// Another connection is wanted beside the tunnel, to take its place.
  case renew
  /// What HostA said to a request other than the claim, which is no concern of the tunnel.
  case answered(LinkID, Result<Reply, LinkFailure>)
  case ended(LinkID, LinkFailure)
  case timePassed
  case stop
}

/// What is to be done.
enum TunnelAction: Hashable, Sendable {
  /// `connectLimit` is how long each address of the endpoint may take to answer.
  case dial(LinkID, endpoint: Int, connectLimit: Duration)
  /// Sends a keepalive now, to learn whether it is acknowledged.
  case check(LinkID)
  case probe(LinkID)
  case report(LinkID, ReportBody.DeviceSSHD)
  /// Closes the connection. No event comes from it any more.
  case close(LinkID)
  case finish
}

/// The life of the tunnel: events, time and randomness in, actions out.
struct TunnelMachine: Sendable {
  /// From the first packet of a dial until the canary is back. Nothing else catches a server that hangs after its banner.
  static let dialLimit: Duration = .seconds(60)
  /// While the device's own sshd does not answer: HostA should soon know that it is back.
  static let canaryIntervalWithoutSSHD: Duration = .seconds(30)
  /// The least time between two canaries that suspicion asks for.
  static let suspicionInterval: Duration = .seconds(10)
  /// A change of the network seldom comes alone: so long is waited for the rest of it.
  static let networkPause: Duration = .milliseconds(250)
  /// The least time between two tries that changes of the network bring about.
  static let networkInterval: Duration = .seconds(2)

  /// One connection that was dialled and not closed.
  struct Link: Hashable, Sendable {
    let id: LinkID
    let endpoint: Int
    var phase: LinkPhase = .resolving
    let dialled: Monotonic
    var upSince: Monotonic?
    /// Nothing comes from HostA although it should.
    var isSilent = false
    /// `nil` while a canary is out.
    var nextCanary: Monotonic?
    var lastCanary: Monotonic?
    /// What HostA was told of the device's sshd.
    var reported: ReportBody.DeviceSSHD = .up
  }

  private let endpoints: [String]
  private let canaryInterval: Duration
  private(set) var links: [Link] = []
  private(set) var state: TunnelState
  private(set) var since: Monotonic
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
  private var redialAt: Monotonic?
  /// When to act on a change of the network, and when that was done last.
  private var networkTryAt: Monotonic?
  private var lastNetworkTry: Monotonic?
  private var isStopped = false

  /// `endpoints` are the ways to HostA, as people read them; at least one.
  init(endpoints: [String], profile: TrafficProfile = .normal, now: Monotonic) {
    self.endpoints = endpoints
    canaryInterval = .seconds(profile.canary_s)
    state = .dialling(.resolving, endpoint: endpoints[0])
    since = now
  }

  /// When `timePassed` is due at the latest.
  var deadline: Monotonic? {
    links.reduce(.earliest(redialAt, networkTryAt)) { earliest, link in
      .earliest(earliest, link.phase == .up ? link.nextCanary : link.dialled + Self.dialLimit)
    }
  }

  mutating func handle(_ event: TunnelEvent, at now: Monotonic, using random: inout some RandomNumberGenerator)
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
    case .silent(let id): return fellSilent(id, now: now)
    case .heard(let id): return heard(id)
    case .networkChanged:
      let soonest = max(now + Self.networkPause, lastNetworkTry.map { $0 + Self.networkInterval } ?? now)
      networkTryAt = networkTryAt ?? soonest
      return []
    case .renew: return renew(now: now)
    case .answered: return []
    case .ended(let id, let failure): return ended(id, failure, now: now, using: &random)
    case .timePassed: return timePassed(now: now, using: &random)
    case .stop:
      isStopped = true
      let closes = links.map { TunnelAction.close($0.id) }
      links = []
      redialAt = nil
      networkTryAt = nil
      return closes + [.finish]
    }
  }

  private mutating func startRound(now: Monotonic) -> [TunnelAction] {
    untried = [preferred] + endpoints.indices.filter { $0 != preferred }
    roundCause = .unanswered
    return dialNext(now: now)
  }

  private mutating func dialNext(now: Monotonic) -> [TunnelAction] {
    redialAt = nil
    let link = Link(id: LinkID(number: nextNumber), endpoint: untried.removeFirst(), dialled: now)
    nextNumber += 1
    tries += 1
    links.append(link)
    return [.dial(link.id, endpoint: link.endpoint, connectLimit: backoff.connectLimit(now: now))]
  }

  private mutating func canaryReturned(
    _ id: LinkID, _ outcome: CanaryOutcome, now: Monotonic, using random: inout some RandomNumberGenerator
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
      let interval = sshd == .down ? Self.canaryIntervalWithoutSSHD : canaryInterval
      let pause = Backoff.uniform(from: interval * 9 / 10, to: interval * 11 / 10, using: &random)
      update(id) { link in
        link.phase = .up
        link.isSilent = false
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

  private mutating func suspect(_ id: LinkID, now: Monotonic) -> [TunnelAction] {
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

  /// A second connection is dialled beside a silent one, and its claim takes over. If the first was only slow, nothing
  /// is lost.
  private mutating func fellSilent(_ id: LinkID, now: Monotonic) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }), link.phase == .up, !link.isSilent else { return [] }
    update(id) { $0.isSilent = true }
    guard links.count == 1 else { return [] }
    return startRound(now: now)
  }

  /// If the second connection comes to nothing, the first just stays.
  private mutating func renew(now: Monotonic) -> [TunnelAction] {
    guard links.count == 1, links[0].phase == .up, !links[0].isSilent else { return [] }
    return startRound(now: now)
  }

  /// The second connection is given up, unless HostA may have ended the first for it already.
  private mutating func heard(_ id: LinkID) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }), link.isSilent else { return [] }
    update(id) { $0.isSilent = false }
    redialAt = nil
    untried = []
    let needless = links.filter { $0.phase < .claiming }
    links.removeAll { $0.phase < .claiming }
    return needless.map { .close($0.id) }
  }

  private mutating func ended(
    _ id: LinkID, _ failure: LinkFailure, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [TunnelAction] {
    guard let link = links.first(where: { $0.id == id }) else { return [] }
    links.removeAll { $0.id == id }
    lastFailure = failure
    if let upSince = link.upSince { backoff.connectionLived(upSince.duration(to: now)) }
    // A dial that is under way, or waits for its turn, beside a connection that has ended just goes on.
    guard links.allSatisfy(\.isSilent), redialAt == nil else { return [] }
    if link.upSince != nil {
      untried = []
      roundCause = .answered
    }
    roundCause = max(roundCause, failure.cause)
    if failure.isOfEndpoint, !untried.isEmpty { return dialNext(now: now) }
    redialAt = now + backoff.delay(after: roundCause, now: now, using: &random)
    return []
  }

  private mutating func timePassed(now: Monotonic, using random: inout some RandomNumberGenerator) -> [TunnelAction] {
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
    if let networkTryAt, networkTryAt <= now { actions += tryAfterNetworkChange(now: now) }
    if let redialAt, redialAt <= now { actions += startRound(now: now) }
    return actions
  }

  private mutating func tryAfterNetworkChange(now: Monotonic) -> [TunnelAction] {
    networkTryAt = nil
    lastNetworkTry = now
    var actions = links.filter { $0.phase == .up }.map { TunnelAction.check($0.id) }
    // A dial that nothing has answered yet may have set out on a network that is gone.
    let lost = links.filter { $0.phase <= .connecting && $0.dialled + Self.networkPause <= now }
    links.removeAll { link in lost.contains { $0.id == link.id } }
    actions += lost.map { .close($0.id) }
    // HostA that turned this device away does so on every network.
    let isWaiting = redialAt != nil && roundCause != .turnedAway
    if isWaiting || !lost.isEmpty { actions += startRound(now: now) }
    return actions
  }

  private mutating func update(_ id: LinkID, _ change: (inout Link) -> Void) {
    guard let index = links.firstIndex(where: { $0.id == id }) else { return }
    change(&links[index])
  }

  private mutating func updateState(now: Monotonic) {
    let previous = state
    if isStopped {
      state = .stopped
    } else if let link = links.max(by: { $0.phase < $1.phase }) {
      let endpoint = endpoints[link.endpoint]
      state =
        switch link.phase {
        case .up where link.isSilent: .silent(endpoint: endpoint)
        case .up: .up(endpoint: endpoint)
        default: .dialling(link.phase, endpoint: endpoint)
        }
    } else if let redialAt, let lastFailure {
      state = .waiting(until: redialAt, why: lastFailure)
    }
    if state != previous { since = now }
  }
}
