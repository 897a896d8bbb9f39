import FleetProtocol

@testable import FleetAgent

/// The world of the simulation: what a fault does to flows, and what a dial meets on its way to HostA.
extension TunnelSimulation {
  private var isCut: Bool { active[.blackHole] != nil || active[.routerOff] != nil }

  /// Whether what this link's flow carries arrives.
  private func carries(_ link: SimulatedLink) -> Bool { !isCut && link.routerLife == routerLife }

  mutating func happen(_ happening: Happening) throws {
    switch happening {
    case .begin(let fault, let length): try begin(fault, length: length)
    case .end(let fault): try end(fault)
    case .step(let id): try step(id)
    case .brokenByKernel(let id, let since):
      guard let link = links.first(where: { $0.id == id }), link.deadSince == since else { return }
      try end(id, link.phase == .up ? .lost("timed out") : .failed("timed out"))
    case .noticed(let id, let since):
      guard let index = index(id), links[index].deadSince == since, !links[index].isSilent else { return }
      links[index].isSilent = true
      try tell(.silent(id))
    case .heardAgain(let id):
      guard let index = index(id), links[index].deadSince == nil, links[index].isSilent else { return }
      links[index].isSilent = false
      try tell(.heard(id))
    case .evicted(let id):
      guard let link = links.first(where: { $0.id == id }), carries(link) else { return }
      try end(id, .lost("the server ended the connection"))
    case .probed(let id): try probed(id)
    case .probeLate(let id):
      guard index(id) != nil else { return }
      try tell(.canary(id, .lost("the canary did not come back")))
    case .announced: try tell(.networkChanged)
    case .renewal: try tell(.renew)
    case .due:
      guard let deadline = machine.deadline, begin + .milliseconds(now) >= deadline else {
        plannedDue = nil
        return
      }
      plannedDue = nil
      try tell(.timePassed)
    }
  }

  private func index(_ id: LinkID) -> Int? { links.firstIndex { $0.id == id } }

  private mutating func begin(_ fault: Fault, length: Int) throws {
    active[fault, default: 0] += 1
    queue.add(.end(fault), at: now + length)
    switch fault {
    case .hostARestarts:
      hostALife += 1
      holder = nil
      // Those whom it can tell hear of it at once.
      for link in links where link.phase > .connecting && carries(link) {
        try end(link.id, link.phase == .up ? .lost("reset") : .failed("reset"))
      }
    case .routerForgets: routerLife += 1
    case .routerOff: queue.add(.announced, at: now)
    default: break
    }
    lookAtFlows()
  }

  private mutating func end(_ fault: Fault) throws {
    active[fault] = active[fault].flatMap { $0 > 1 ? $0 - 1 : nil }
    if fault == .routerOff {
      routerLife += 1
      for delay in [0, 3, 700] { queue.add(.announced, at: now + delay) }
    }
    lookAtFlows()
  }

  /// Which flows died or came to life by what has just happened.
  private mutating func lookAtFlows() {
    for index in links.indices where links[index].phase > .connecting {
      let isAlive = carries(links[index]) && (links[index].hostALife == hostALife || links[index].deadSince == nil)
      let id = links[index].id
      if !isAlive, links[index].deadSince == nil {
        links[index].deadSince = now
        let noticed = now + Int.random(in: 0...10_000, using: &random) + 1500
        if links[index].phase == .up { queue.add(.noticed(id, since: now), at: noticed) }
        queue.add(.brokenByKernel(id, since: now), at: noticed + 10_000)
      } else if isAlive, links[index].deadSince != nil {
        links[index].deadSince = nil
        let later = now + Int.random(in: 50...3000, using: &random)
        if links[index].isEvicted {
          queue.add(.evicted(id), at: later)
        } else if links[index].phase == .up {
          queue.add(.heardAgain(id), at: later)
        } else {
          queue.add(.step(id), at: later)
        }
      }
    }
    // A life of HostA that is over answers nothing but a reset, once it can be heard again.
    for link in links where link.phase > .connecting && link.hostALife != hostALife && carries(link) {
      queue.add(.evicted(link.id), at: now + Int.random(in: 50...3000, using: &random))
    }
  }

  /// The next step of a dial, if what it needs is there.
  private mutating func step(_ id: LinkID) throws {
    guard let index = index(id), links[index].phase < .up else { return }
    let roundTrip = Int.random(in: 20...300, using: &random)
    switch links[index].phase {
    case .resolving:
      if active[.nameServerDown] != nil { return try end(id, .unresolved("try again")) }
      links[index].phase = .connecting
      queue.add(.step(id), at: now + roundTrip)
      try tell(.reached(id, .connecting))
    case .connecting: try connect(id, roundTrip)
    case let phase:
      // Nothing goes on without an answer, and a HostA that hangs gives none.
      guard links[index].deadSince == nil, active[.hostAHangs] == nil else { return }
      try proceed(id, from: phase, roundTrip)
    }
  }

  private mutating func connect(_ id: LinkID, _ roundTrip: Int) throws {
    guard let index = index(id) else { return }
    if isCut {
      let age = now - links[index].dialled
      // The kernel repeats the SYN after 1, 3 and 7 s.
      let again = [1000, 3000, 7000].first { $0 > age && $0 < links[index].connectLimit }
      if age >= links[index].connectLimit { return try end(id, .unreachable("no answer")) }
      queue.add(.step(id), at: links[index].dialled + (again ?? links[index].connectLimit))
      return
    }
    if active[.hostARestarts] != nil { return try end(id, .unreachable("connection refused")) }
    links[index].routerLife = routerLife
    links[index].hostALife = hostALife
    links[index].phase = .handshaking
    queue.add(.step(id), at: now + roundTrip)
    try tell(.reached(id, .handshaking))
  }

  private mutating func proceed(_ id: LinkID, from phase: LinkPhase, _ roundTrip: Int) throws {
    if phase == .handshaking, active[.otherHostKey] != nil { return try end(id, .hostKeyChanged) }
    if phase == .claiming {
      if active[.claimsRefused] != nil { return try end(id, .claimRefused(Refusal(.claimBusy, "busy"))) }
      if let older = holder, let index = index(older) {
        links[index].isEvicted = true
        queue.add(.evicted(older), at: now + roundTrip)
      }
      holder = id
    }
    if phase == .probing {
      if active[.canaryLost] != nil { return try tell(.canary(id, .lost("gone"))) }
      update(id, to: .up)
      return try tell(.canary(id, .proved(active[.localSSHDDown] == nil ? .up : .down)))
    }
    let next = LinkPhase(rawValue: phase.rawValue + 1)!
    update(id, to: next)
    queue.add(.step(id), at: now + roundTrip)
    if phase == .claiming {
      let port = TCPPort(20007)!
      try tell(.claimed(id, ClaimReply(port: port, reconnectWindow_s: window_s, tookOver: false)))
    } else {
      try tell(.reached(id, next))
    }
  }

  private mutating func update(_ id: LinkID, to phase: LinkPhase) {
    if let index = index(id) { links[index].phase = phase }
  }

  private mutating func probed(_ id: LinkID) throws {
    guard let link = links.first(where: { $0.id == id }) else { return }
    guard link.deadSince == nil, active[.hostAHangs] == nil, !link.isEvicted else {
      queue.add(.probeLate(id), at: now + 15_000)
      return
    }
    if active[.canaryLost] != nil { return try tell(.canary(id, .lost("gone"))) }
    try tell(.canary(id, .proved(active[.localSSHDDown] == nil ? .up : .down)))
  }
}
