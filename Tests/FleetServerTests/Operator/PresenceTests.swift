import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct PresenceTests {
  private func evidence(
    alive: Bool = true, listener: PresenceEvidence.Listener = .own, silence_ms: Int64? = 2000, told: Bool = true,
    session: Bool = true, sshd: ReportBody.DeviceSSHD? = nil, lastSeen_s: Int64? = nil,
    history: ClaimHistory = ClaimHistory()
  ) throws -> PresenceEvidence {
    let record = SessionRecord(
      sshd: ProcessIdentity(pid: 1, startTime: 2, bootID: "b"),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: 500,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []), deviceSSHD: sshd,
      history: history)
    let health = silence_ms.map {
      ConnectionHealth(silence_ms: $0, rtt_ms: 20, bytesReceived: 1, bytesAcknowledged: 2)
    }
    return PresenceEvidence(
      session: session ? record : nil, isSessionAlive: session && alive, listener: listener,
      connection: told ? health.map { .established($0) } ?? .none : .untold, lastSeen_s: lastSeen_s, now_s: 1000)
  }

  @Test func onlineWhileSomethingComes() throws {
    let presence = Presence(try evidence())
    #expect(presence.state == .online && presence.note == nil && presence.lastSeen_s == 998)
    #expect(presence.health?.rtt_ms == 20)
  }

  @Test func staleAfterThreeKeepalives() throws {
    #expect(Presence(try evidence(silence_ms: 29_999)).state == .online)
    let stale = Presence(try evidence(silence_ms: 30_000))
    #expect(stale.state == .stale && stale.lastSeen_s == 970)
  }

  @Test func unknownWhereTheKernelDoesNotTell() throws {
    #expect(Presence(try evidence(told: false)).state == .unknown)
  }

  @Test func offlineWithTheLatestSighting() throws {
    #expect(Presence(try evidence(alive: false)).lastSeen_s == 500)
    #expect(Presence(try evidence(alive: false, lastSeen_s: 700)).lastSeen_s == 700)
    #expect(Presence(try evidence(alive: false)).state == .offline)
    #expect(Presence(try evidence(silence_ms: nil)).state == .offline)
    let never = Presence(try evidence(listener: .none, session: false))
    #expect(never.state == .offline && never.lastSeen_s == nil && never.note == nil)
  }

  @Test func whatTheStateAloneDoesNotSay() throws {
    #expect(Presence(try evidence(listener: .foreign)).note == "blocked by another process")
    #expect(Presence(try evidence(listener: .none)).note == "connected, its tunnel is not up yet")
    #expect(Presence(try evidence(sshd: .down)).note == "ssh down on the device")
    #expect(Presence(try evidence(sshd: .up)).note == nil)
    #expect(Presence(try evidence(alive: false, sshd: .down)).note == nil)
  }

  @Test func twoBoxesWithOneKeyAreToldWhileTheTunnelStands() throws {
    var history = ClaimHistory()
    for (offset, boot) in ["A", "B", "A", "B", "A", "B"].enumerated() {
      _ = history.claim(
        bootID: boot, address: boot == "A" ? "192.0.2.1" : "192.0.2.2", now_s: 900 + Int64(offset), isHolderHere: true)
    }
    let note = "two boxes use its key: the one at 192.0.2.1 has the port, the one at 192.0.2.2 is refused"
    let presence = Presence(try evidence(history: history))
    #expect(presence.state == .duplicate && presence.note == note && presence.lastSeen_s == 998)
    #expect(Presence(try evidence(silence_ms: 40_000, history: history)).state == .duplicate)
    #expect(Presence(try evidence(sshd: .down, history: history)).note == "ssh down on the device; \(note)")
    #expect(Presence(try evidence(alive: false, history: history)).state == .offline)
    var later = try evidence(history: history)
    later.now_s = 1506
    #expect(Presence(later).state == .online)
  }
}

@Suite struct ReachabilityCheckTests {
  private func code(
    _ state: DeviceState, lastSeen_s: Int64? = nil, enrolled: Bool = true, foreign: Bool = false
  ) throws -> (Refusal.Code?, String?) {
    let folder = try TemporaryFolder()
    let registry = try Registry.create(try folder.home())
    let name = try DeviceName(validating: "kitchen-pi")
    _ = try registry.provision(
      name, body: try sampleBody(1), id: DeviceID(random: 1), range: try #require(PortRange(parsing: "20000-20001")),
      portsInUse: [], by: .host, now_s: 1)
    if enrolled { _ = try registry.enroll(name, hostKeys: [try sampleKey(2)], by: .host, now_s: 1) }
    var presence = Presence(
      PresenceEvidence(isSessionAlive: false, listener: .none, connection: .none, lastSeen_s: lastSeen_s, now_s: 1))
    presence.state = state
    do {
      try ReachabilityCheck.check(try registry.device(named: name), presence: presence, isForeignListener: foreign)
      return (nil, nil)
    } catch {
      return (error.code, error.message)
    }
  }

  @Test func onlyADeviceThatIsThereAndKnown() throws {
    #expect(try code(.online).0 == nil)
    #expect(try code(.stale).0 == nil)
    #expect(try code(.unknown).0 == nil)
    #expect(try code(.duplicate).0 == nil, "the box that has the port")
    #expect(try code(.online, enrolled: false).0 == .deviceNotEnrolled)
    #expect(try code(.online, foreign: true).0 == .deviceBlocked)
    #expect(try code(.offline, enrolled: false) == (.deviceOffline, "kitchen-pi was never seen"))
    #expect(try code(.offline, lastSeen_s: 0) == (.deviceOffline, "kitchen-pi is offline since 1970-01-01T00:00:00Z"))
  }

  @Test(arguments: [(true, 0, 4, true), (true, 0, 5, false), (false, 0, 0, false), (true, 1, 0, false)])
  func hostKeysAreAwaitedJustAfterAClaimThatMayBringThem(
    mayTell: Bool, known: Int, sinceClaim_s: Int64, expected: Bool
  ) throws {
    let folder = try TemporaryFolder()
    let registry = try Registry.create(try folder.home())
    let name = try DeviceName(validating: "kitchen-pi")
    _ = try registry.provision(
      name, body: try sampleBody(1, fromFirstClaim: mayTell), id: DeviceID(random: 1),
      range: try #require(PortRange(parsing: "20000-20001")),
      portsInUse: [], by: .host, now_s: 1)
    if known > 0 { _ = try registry.enroll(name, hostKeys: [try sampleKey(2)], by: .host, now_s: 1) }
    let device = try registry.device(named: name)
    let session = SessionRecord(
      sshd: ProcessIdentity(pid: 1, startTime: 2, bootID: "b"),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: 1000,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []))
    func isPassing(_ refusal: Refusal.Code, _ session: SessionRecord?) -> Bool {
      ReachabilityCheck.isPassing(refusal, of: device, session: session, now_s: 1000 + sinceClaim_s)
    }
    #expect(isPassing(.deviceNotEnrolled, session) == expected)
    #expect(!isPassing(.deviceNotEnrolled, nil))
    // What comes before: for a moment an agent that has claimed its port does not listen yet.
    #expect(isPassing(.deviceOffline, session) == (sinceClaim_s < ReachabilityCheck.patience_s))
    #expect(!isPassing(.deviceOffline, nil))
    #expect(!isPassing(.deviceBlocked, session))
  }
}
