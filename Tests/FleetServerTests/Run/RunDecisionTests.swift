import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct RestartDelayTests {
  @Test func itDoublesToHalfAMinuteAndForgets() {
    var delay = RestartDelay()
    let waits = (0..<8).map { _ in delay.next(afterLiving: .seconds(1)) }
    #expect(
      waits == [
        .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(16), .seconds(30),
        .seconds(30),
      ])
    #expect(delay.next(afterLiving: .seconds(60)) == .milliseconds(500))
  }
}

@Suite struct PresenceHistoryTests {
  private let device = DeviceID(random: 1)

  private func sample(
    _ state: DeviceState, seen_s: Int64?, session: SessionRecord? = nil, recordedSeen_s: Int64? = nil
  ) -> PresenceSample {
    var presence = Presence(
      PresenceEvidence(
        isSessionAlive: false, listener: .none, connection: .none, lastSeen_s: seen_s, now_s: seen_s ?? 0))
    presence.state = state
    return PresenceSample(device: device, presence: presence, session: session, recordedSeen_s: recordedSeen_s)
  }

  private func session(_ pid: Int32, claimed_s: Int64, predecessorSeen_s: Int64? = nil) throws -> SessionRecord {
    SessionRecord(
      sshd: ProcessIdentity(pid: pid, startTime: 1, bootID: "b"),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: claimed_s,
      predecessorSeen_s: predecessorSeen_s,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []))
  }

  /// What was written after these samples.
  private func written(_ samples: [(PresenceSample, now_s: Int64)]) -> [PresenceTransition] {
    var history = PresenceHistory(online: [])
    var transitions: [PresenceTransition] = []
    for (sample, now_s) in samples {
      let (next, new) = history.after([sample], now_s: now_s)
      history = next
      transitions += new
    }
    return transitions
  }

  private func went(_ at_s: Int64) -> PresenceTransition {
    PresenceTransition(device: device, isOnline: false, at_s: at_s)
  }

  private func came(_ at_s: Int64) -> PresenceTransition {
    PresenceTransition(device: device, isOnline: true, at_s: at_s)
  }

  @Test func onlyChangesAreWritten() {
    let transitions = written([
      (sample(.offline, seen_s: nil), 5), (sample(.online, seen_s: 10), 10), (sample(.online, seen_s: 15), 15),
      (sample(.stale, seen_s: 16), 60), (sample(.unknown, seen_s: nil), 65), (sample(.offline, seen_s: 10), 70),
      (sample(.offline, seen_s: 10), 75),
    ])
    #expect(transitions == [came(10), went(16)])
  }

  @Test func whatEndedWhileNobodyLookedIsWrittenOnce() {
    let history = PresenceHistory(online: [device])
    let (next, transitions) = history.after([sample(.offline, seen_s: 40)], now_s: 99)
    #expect(transitions == [went(40)])
    #expect(next == PresenceHistory(online: []))
  }

  @Test func nothingEndsInTheFutureAfterTheClockWasSetBack() {
    let ahead: Int64 = 1_600_000_000
    #expect(
      written([
        (sample(.online, seen_s: ahead, recordedSeen_s: nil), ahead),
        (sample(.online, seen_s: 95, recordedSeen_s: ahead), 100),
        (sample(.offline, seen_s: 95, recordedSeen_s: 100), 110),
      ]) == [came(ahead), went(100)])
  }

  @Test func allEndWithTheProgram() {
    let (history, _) = PresenceHistory(online: []).after([sample(.online, seen_s: 7)], now_s: 8)
    #expect(history.endings == [went(7)])
  }

  @Test func itCameWhenItClaimed() throws {
    let first = try session(1, claimed_s: 21)
    #expect(written([(sample(.online, seen_s: 24, session: first, recordedSeen_s: 20), 25)]) == [came(21)])
    #expect(
      written([(sample(.online, seen_s: 94, session: first, recordedSeen_s: 90), 95)]) == [came(95)],
      "the same session was away in between")
  }

  @Test func anotherSessionBetweenTwoSamplesWasAnOutage() throws {
    let first = try session(1, claimed_s: 10)
    let second = try session(2, claimed_s: 33)
    let samples = [
      (sample(.online, seen_s: 30, session: first), 30), (sample(.online, seen_s: 35, session: second), 35),
    ]
    #expect(written(samples.map { ($0.0, now_s: Int64($0.1)) }) == [came(10), went(30), came(33)])
  }

  @Test func aTakeoverOfALiveConnectionIsNone() throws {
    let first = try session(1, claimed_s: 10)
    func after(predecessorSeen_s: Int64) throws -> [PresenceTransition] {
      let second = try session(2, claimed_s: 60, predecessorSeen_s: predecessorSeen_s)
      return written([
        (sample(.online, seen_s: 40, session: first), 50), (sample(.online, seen_s: 62, session: second), 63),
      ])
    }
    #expect(try after(predecessorSeen_s: 50) == [came(10)])
    #expect(try after(predecessorSeen_s: 49) == [came(10), went(49), came(60)])
  }

  /// The new connection has claimed, and its forward is not there yet.
  @Test func aNewSessionSaysNothingOfWhenTheOldOneEnded() throws {
    let first = try session(1, claimed_s: 10)
    let second = try session(2, claimed_s: 50)
    let transitions = written([
      (sample(.online, seen_s: 30, session: first), 30), (sample(.offline, seen_s: 51, session: second), 51),
      (sample(.online, seen_s: 56, session: second, recordedSeen_s: 30), 56),
    ])
    #expect(transitions == [came(10), went(30), came(50)])
  }
}

@Suite struct SilenceRuleTests {
  private func health(_ silence_ms: Int64) -> ConnectionHealth {
    ConnectionHealth(silence_ms: silence_ms, rtt_ms: nil, bytesReceived: 0, bytesAcknowledged: 0)
  }

  @Test func longAfterAListCallsItStale() {
    #expect(!SilenceRule.isOver(health(119_999), keepalive_s: 10))
    #expect(SilenceRule.isOver(health(120_000), keepalive_s: 10))
    #expect(!SilenceRule.isOver(health(359_999), keepalive_s: 60))
    #expect(SilenceRule.isOver(health(360_000), keepalive_s: 60))
  }

  @Test func itIsAskedFirst() {
    let one = ProcessIdentity(pid: 1, startTime: 1, bootID: "b")
    let other = ProcessIdentity(pid: 1, startTime: 2, bootID: "b")
    var rule = SilenceRule()
    #expect(rule.steps(for: [one]) == [one: .terminate])
    #expect(rule.steps(for: [one, other]) == [one: .kill, other: .terminate])
    #expect(rule.steps(for: []).isEmpty)
    #expect(rule.steps(for: [one]) == [one: .terminate])
  }
}

@Suite struct RunRecordTests {
  @Test func itSurvivesItsFile() throws {
    let record = RunRecord(listener: ProcessIdentity(pid: 3, startTime: 4, bootID: "b"))
    #expect(try RunRecord(parsing: record.text.utf8) == record)
    #expect(throws: JSONError.self) { try RunRecord(parsing: "{}".utf8) }
  }
}
