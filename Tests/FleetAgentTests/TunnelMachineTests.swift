import FleetProtocol
import Testing

@testable import FleetAgent

extension TunnelAction {
  /// A dial as it is while HostA has not been silent for long.
  static func dial(_ id: LinkID, endpoint: Int) -> TunnelAction {
    .dial(id, endpoint: endpoint, connectLimit: .seconds(2))
  }
}

/// Drives a machine and remembers what it asked for.
final class MachineDriver {
  var machine: TunnelMachine
  var random: SeededGenerator
  var now: Monotonic
  var actions: [TunnelAction] = []

  init(endpoints: [String] = ["a port 22"], seed: UInt64 = 1) {
    now = .now
    machine = TunnelMachine(endpoints: endpoints, now: now)
    random = SeededGenerator(seed: seed)
  }

  @discardableResult func handle(_ event: TunnelEvent) -> [TunnelAction] {
    actions = machine.handle(event, at: now, using: &random)
    return actions
  }

  func pass(_ duration: Duration) -> [TunnelAction] {
    now = now + duration
    return handle(.timePassed)
  }

  /// Lets time pass until the machine's own deadline.
  func passToDeadline() -> [TunnelAction] {
    guard let deadline = machine.deadline else { return [] }
    now = max(now, deadline)
    return handle(.timePassed)
  }

  /// Takes a dialled link up.
  func establish(_ id: LinkID, sshd: ReportBody.DeviceSSHD? = .up) -> [TunnelAction] {
    for phase in [LinkPhase.connecting, .handshaking, .authenticating, .claiming] { handle(.reached(id, phase)) }
    handle(.claimed(id, ClaimReply(port: TCPPort(20007)!, reconnectWindow_s: 5, tookOver: false)))
    handle(.reached(id, .probing))
    return handle(.canary(id, .proved(sshd)))
  }
}

@Suite struct TunnelMachineTests {
  private let first = LinkID(number: 1)
  private let second = LinkID(number: 2)

  @Test func goesThroughThePhasesToUp() {
    let driver = MachineDriver()
    #expect(driver.handle(.start) == [.dial(first, endpoint: 0)])
    #expect(driver.machine.state == .dialling(.resolving, endpoint: "a port 22"))
    driver.handle(.reached(first, .connecting))
    #expect(driver.machine.state.sentence(now: driver.now) == "connecting to a port 22")
    #expect(driver.establish(first) == [])
    #expect(driver.machine.state == .up(endpoint: "a port 22"))
    #expect(driver.machine.tries == 0)
  }

  @Test func isNotUpBeforeTheCanaryIsBack() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.reached(first, .probing))
    #expect(driver.machine.state.name == "probing")
    #expect(driver.handle(.canary(first, .lost("gone"))) == [.close(first)])
    #expect(driver.machine.state.name == "waiting")
  }

  @Test func watchdogEndsADialThatHangs() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.reached(first, .handshaking))
    #expect(driver.pass(.seconds(59)) == [])
    #expect(driver.pass(.seconds(1)) == [.close(first)])
    #expect(driver.machine.lastFailure == .timedOut(.handshaking))
    #expect(driver.passToDeadline() == [.dial(second, endpoint: 0)])
  }

  @Test func triesAllEndpointsAtOnceBeforeWaiting() {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"])
    driver.handle(.start)
    #expect(driver.handle(.ended(first, .unreachable("no route"))) == [.dial(second, endpoint: 1)])
    #expect(driver.handle(.ended(second, .unreachable("no route"))) == [])
    #expect(driver.machine.state.name == "waiting")
    #expect(driver.passToDeadline() == [.dial(LinkID(number: 3), endpoint: 0)])
  }

  @Test func remembersTheEndpointThatWorked() {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"])
    driver.handle(.start)
    driver.handle(.ended(first, .unreachable("no route")))
    _ = driver.establish(second)
    driver.handle(.ended(second, .lost("reset")))
    #expect(driver.passToDeadline() == [.dial(LinkID(number: 3), endpoint: 1)])
  }

  @Test func doesNotTryOtherEndpointsWhenHostARefused() {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"])
    driver.handle(.start)
    #expect(driver.handle(.ended(first, .keyRefused)) == [])
    #expect(driver.pass(.seconds(119)) == [])
    #expect(driver.passToDeadline() == [.dial(second, endpoint: 0)])
  }

  @Test func waitsMinutesWhileAnotherBoxHoldsThePort() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.ended(first, .claimRefused(Refusal(.deviceDuplicate, "two boxes"))))
    #expect(driver.pass(.seconds(119)) == [])
    #expect(driver.passToDeadline() == [.dial(second, endpoint: 0)])
  }

  @Test func goesOnToTheNextEndpointWhenTheFirstIsAnotherMachine() {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"])
    driver.handle(.start)
    #expect(driver.handle(.ended(first, .hostKeyChanged)) == [.dial(second, endpoint: 1)])
    _ = driver.establish(second)
    #expect(driver.machine.state == .up(endpoint: "b port 443"))
  }

  @Test func saysThatAnotherProcessBlocksThePort() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.ended(first, .claimRefused(Refusal(.portBlocked, "another account listens on it"))))
    #expect(driver.machine.state.sentence(now: driver.now).contains("blocked by another process"))
  }

  @Test func comesBackWithinSecondsAfterABreakAndAfterABusyPort() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    driver.handle(.ended(first, .lost("reset")))
    #expect(driver.pass(.seconds(5)) == [.dial(second, endpoint: 0)])
    driver.handle(.ended(second, .claimRefused(Refusal(.portInUse, "in use"))))
    #expect(driver.pass(.seconds(6)) == [.dial(LinkID(number: 3), endpoint: 0)])
  }

  @Test func probesEveryFewMinutesAndOnSuspicionButNotTooOften() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    let interval = TrafficProfile.normal.canary_s
    #expect(driver.pass(.seconds(interval * 8 / 10)) == [])
    #expect(driver.pass(.seconds(interval * 3 / 10)) == [.probe(first)])
    #expect(driver.handle(.suspicion(first)) == [], "one is out already")
    driver.handle(.canary(first, .proved(.up)))
    #expect(driver.handle(.suspicion(first)) == [], "too soon")
    #expect(driver.pass(.seconds(10)) == [.probe(first)])
    driver.handle(.canary(first, .proved(.up)))
    _ = driver.pass(.seconds(20))
    #expect(driver.handle(.suspicion(first)) == [.probe(first)])
  }

  @Test func staysUpWithoutTheDevicesSSHDAndReportsIt() {
    let driver = MachineDriver()
    driver.handle(.start)
    #expect(driver.establish(first, sshd: .down) == [.report(first, .down)])
    #expect(driver.machine.state.name == "up")
    #expect(driver.pass(.seconds(40)) == [.probe(first)])
    #expect(driver.handle(.canary(first, .proved(.down))) == [], "HostA knows")
    #expect(driver.handle(.canary(first, .proved(nil))) == [], "not asked")
    #expect(driver.handle(.canary(first, .proved(.up))) == [.report(first, .up)])
  }

  @Test func aLostCanaryEndsAnEstablishedTunnel() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    #expect(driver.handle(.canary(first, .lost("gone"))) == [.close(first)])
    #expect(driver.pass(.seconds(5)) == [.dial(second, endpoint: 0)])
  }

  @Test func dialsBesideASilentTunnelAndTheNewOneTakesOver() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    #expect(driver.handle(.silent(first)) == [.dial(second, endpoint: 0)])
    #expect(driver.machine.state.name == "silent")
    #expect(driver.handle(.silent(first)) == [], "told already")
    #expect(driver.establish(second) == [.close(first)])
    #expect(driver.machine.state.name == "up")
    #expect(driver.machine.links.map(\.id) == [second])
  }

  @Test func nothingIsLostWhenTheTunnelWasOnlySlow() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    driver.handle(.silent(first))
    driver.handle(.reached(second, .authenticating))
    #expect(driver.handle(.heard(first)) == [.close(second)])
    #expect(driver.machine.state.name == "up")
    #expect(driver.handle(.silent(first)) == [.dial(LinkID(number: 3), endpoint: 0)])
  }

  @Test func aClaimThatIsOnItsWayIsNotTakenBack() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    driver.handle(.silent(first))
    driver.handle(.reached(second, .claiming))
    #expect(driver.handle(.heard(first)) == [])
    // HostA has ended the first for it.
    driver.handle(.ended(first, .lost("reset")))
    #expect(driver.machine.links.map(\.id) == [second])
    #expect(driver.handle(.canary(second, .proved(.up))) == [])
    #expect(driver.machine.state.name == "up")
  }

  @Test func aConnectionBesideATunnelTakesItsPlaceOrChangesNothing() {
    let driver = MachineDriver()
    driver.handle(.start)
    #expect(driver.handle(.renew) == [], "there is no tunnel yet")
    _ = driver.establish(first)
    #expect(driver.handle(.renew) == [.dial(second, endpoint: 0)])
    #expect(driver.handle(.renew) == [], "one is under way")
    driver.handle(.ended(second, .claimRefused(Refusal(.claimBusy, "busy"))))
    #expect(driver.machine.state == .up(endpoint: "a port 22"))
    let third = LinkID(number: 3)
    #expect(driver.handle(.renew) == [.dial(third, endpoint: 0)])
    #expect(driver.establish(third) == [.close(first)])
    #expect(driver.machine.links.map(\.id) == [third])
  }

  @Test func goesOnDiallingBesideASilentTunnelUntilItIsHeard() {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"])
    driver.handle(.start)
    _ = driver.establish(first)
    driver.handle(.silent(first))
    #expect(driver.handle(.ended(second, .unreachable("x"))) == [.dial(LinkID(number: 3), endpoint: 1)])
    #expect(driver.handle(.ended(LinkID(number: 3), .unreachable("x"))) == [])
    #expect(driver.pass(.seconds(3)) == [.dial(LinkID(number: 4), endpoint: 0)])
    #expect(driver.handle(.ended(first, .lost("timed out"))) == [], "the dial goes on")
    #expect(driver.handle(.ended(LinkID(number: 4), .unreachable("x"))) == [.dial(LinkID(number: 5), endpoint: 1)])
  }

  @Test func aChangeOfTheNetworkIsTriedAtOnceButNotTooOften() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.reached(first, .claiming))
    driver.handle(.ended(first, .claimRefused(Refusal(.claimBusy, "x"))))
    #expect(driver.handle(.networkChanged) == [])
    #expect(driver.handle(.networkChanged) == [], "one burst")
    #expect(driver.pass(.milliseconds(250)) == [.dial(second, endpoint: 0)])
    driver.handle(.reached(second, .connecting))
    driver.handle(.networkChanged)
    #expect(driver.pass(.milliseconds(300)) == [], "too soon")
    #expect(driver.pass(.milliseconds(1700)) == [.close(second), .dial(LinkID(number: 3), endpoint: 0)])
    driver.handle(.ended(LinkID(number: 3), .keyRefused))
    driver.handle(.networkChanged)
    #expect(driver.pass(.seconds(3)) == [], "the key is refused on every network")
  }

  @Test func aChangeOfTheNetworkIsCheckedOnATunnelThatIsUp() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    driver.handle(.networkChanged)
    #expect(driver.pass(.milliseconds(250)) == [.check(first)])
  }

  @Test func givesTheKernelLongerToConnectWhenNothingHasAnsweredForLong() {
    let driver = MachineDriver()
    driver.handle(.start)
    var limits: [Duration] = []
    let begin = driver.now
    while begin.duration(to: driver.now) < .seconds(200), let link = driver.machine.links.first {
      driver.now = driver.now + .seconds(1)
      driver.handle(.ended(link.id, .unreachable("no answer")))
      guard case .dial(_, _, let limit)? = driver.passToDeadline().first else { break }
      if begin.duration(to: driver.now) < .seconds(30) { #expect(limit == .seconds(2)) }
      limits.append(limit)
    }
    #expect(Set(limits) == [.seconds(2), .seconds(4), .seconds(8)])
  }

  @Test func stopClosesEverythingAndNothingFollows() {
    let driver = MachineDriver()
    driver.handle(.start)
    _ = driver.establish(first)
    #expect(driver.handle(.stop) == [.close(first), .finish])
    #expect(driver.machine.state == .stopped)
    #expect(driver.machine.deadline == nil)
    #expect(driver.handle(.ended(first, .lost("late"))) == [])
    #expect(driver.handle(.timePassed) == [])
  }

  @Test func eventsOfForgottenLinksChangeNothing() {
    let driver = MachineDriver()
    driver.handle(.start)
    driver.handle(.ended(first, .unreachable("no route")))
    let state = driver.machine.state
    for event in [
      TunnelEvent.reached(first, .probing), .canary(first, .proved(.up)), .suspicion(first), .silent(first),
      .heard(first), .ended(first, .lost("again")),
    ] {
      #expect(driver.handle(event) == [])
    }
    #expect(driver.machine.state == state)
  }

  /// Events in any order, as a network would make them: there is always something under way, and never two
  /// established tunnels.
  @Test(arguments: 0..<300 as Range<UInt64>)
  func neverGetsStuck(seed: UInt64) {
    let driver = MachineDriver(endpoints: ["a port 22", "b port 443"], seed: seed)
    var dice = SeededGenerator(seed: seed &+ 1000)
    var open: Set<LinkID> = []
    var established: Set<LinkID> = []
    func note(_ actions: [TunnelAction]) {
      for action in actions {
        switch action {
        case .dial(let id, _, _): #expect(open.insert(id).inserted, "a link is dialled once")
        case .close(let id):
          #expect(open.remove(id) != nil, "only an open link is closed")
          established.remove(id)
        case .probe(let id), .check(let id), .report(let id, _): #expect(open.contains(id))
        case .finish: Issue.record("nobody asked it to stop")
        }
      }
    }
    note(driver.handle(.start))
    let failures: [LinkFailure] = [
      .unresolved("x"), .unreachable("x"), .failed("x"), .hostKeyChanged, .keyRefused, .lost("x"), .forwardRefused("x"),
      .claimRefused(Refusal(.claimBusy, "x")), .claimRefused(Refusal(.portBlocked, "x")),
    ]
    for _ in 0..<300 {
      driver.now = driver.now + .milliseconds(Int64.random(in: 0...20_000, using: &dice))
      let link = open.min { $0.number < $1.number }
      switch (Int.random(in: 0..<11, using: &dice), link) {
      case (0, let id?):
        open.remove(id)
        established.remove(id)
        note(driver.handle(.ended(id, failures.randomElement(using: &dice)!)))
      case (1..<4, let id?):
        let phase = LinkPhase(rawValue: Int.random(in: 0..<LinkPhase.up.rawValue, using: &dice))!
        note(driver.handle(.reached(id, phase)))
      case (4, let id?):
        note(driver.handle(.canary(id, .proved([.up, .down, nil].randomElement(using: &dice)!))))
        established.insert(id)
      case (5, let id?): note(driver.handle(.canary(id, .lost("x"))))
      case (6, let id?): note(driver.handle(.suspicion(id)))
      case (7, _): note(driver.handle(.renew))
      default: note(driver.handle(.timePassed))
      }
      #expect(established.count <= 1)
      #expect(Set(driver.machine.links.map(\.id)) == open)
      #expect(!open.isEmpty || driver.machine.deadline != nil, "something is always under way")
      if open.isEmpty { #expect(driver.machine.deadline! <= driver.now + .seconds(300)) }
    }
    // Left alone, every dial is ended by the watchdog and followed by another.
    let before = driver.machine.tries
    for _ in 0..<20 where established.isEmpty { note(driver.passToDeadline()) }
    if established.isEmpty { #expect(driver.machine.tries > before) }
  }
}
