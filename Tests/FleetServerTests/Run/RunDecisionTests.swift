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

  private func presence(_ state: DeviceState, seen_s: Int64?) -> Presence {
    var presence = Presence(
      PresenceEvidence(isSessionAlive: false, listener: .none, connection: .none, lastSeen_s: seen_s, now_s: 0))
    presence.state = state
    return presence
  }

  @Test func onlyChangesAreWritten() {
    var history = PresenceHistory(online: [])
    var transitions: [PresenceTransition] = []
    func sample(_ state: DeviceState, seen_s: Int64?, now_s: Int64) {
      let (next, new) = history.after([(device, presence(state, seen_s: seen_s))], now_s: now_s)
      history = next
      transitions += new
    }
    sample(.offline, seen_s: nil, now_s: 5)
    sample(.online, seen_s: 10, now_s: 10)
    sample(.online, seen_s: 15, now_s: 15)
    sample(.stale, seen_s: 16, now_s: 60)
    sample(.unknown, seen_s: nil, now_s: 65)
    sample(.offline, seen_s: 10, now_s: 70)
    sample(.offline, seen_s: 10, now_s: 75)
    #expect(
      transitions == [
        PresenceTransition(device: device, isOnline: true, at_s: 10),
        PresenceTransition(device: device, isOnline: false, at_s: 16),
      ])
  }

  @Test func whatEndedWhileNobodyLookedIsWrittenOnce() {
    let history = PresenceHistory(online: [device])
    let (next, transitions) = history.after([(device, presence(.offline, seen_s: 40))], now_s: 99)
    #expect(transitions == [PresenceTransition(device: device, isOnline: false, at_s: 40)])
    #expect(next == PresenceHistory(online: []))
  }

  @Test func allEndWithTheProgram() {
    let (history, _) = PresenceHistory(online: []).after([(device, presence(.online, seen_s: 7))], now_s: 8)
    #expect(history.endings == [PresenceTransition(device: device, isOnline: false, at_s: 7)])
  }
}

@Suite struct RunRecordTests {
  @Test func itSurvivesItsFile() throws {
    let record = RunRecord(listener: ProcessIdentity(pid: 3, startTime: 4, bootID: "b"))
    #expect(try RunRecord(parsing: record.text.utf8) == record)
    #expect(throws: JSONError.self) { try RunRecord(parsing: "{}".utf8) }
  }
}
