import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ShutOutRuleTests {
  private let thief = DeviceID(random: 1)
  private let other = DeviceID(random: 2)

  private func sshd(_ pid: Int32) -> ProcessIdentity { ProcessIdentity(pid: pid, startTime: 5, bootID: "boot") }

  private func fate(
    _ sshd: Set<ProcessIdentity>, _ callers: Set<KeyHolder> = [], age: Duration = .seconds(60),
    sessions: Set<ProcessIdentity> = [], own: Set<Int32> = []
  ) -> ShutOutRule.Fate {
    ShutOutRule.fate(
      of: OpenConnection(sshd: sshd, callers: callers, age: age), without: .device(thief), sessions: sessions,
      ownAncestors: own)
  }

  @Test func whatTheHolderRunsEndsAlsoWhereATunnelIsRecorded() {
    #expect(fate([sshd(7)], [.device(thief)]) == .ends)
    #expect(fate([sshd(7)], [.device(thief)], sessions: [sshd(7)]) == .ends)
    #expect(fate([sshd(7)], [.device(thief)], age: .zero) == .ends)
  }

  @Test func whatNobodyCanNameEnds() {
    #expect(fate([sshd(7), sshd(8)]) == .ends)
    #expect(fate([sshd(7)], age: ShutOutRule.loginPatience) == .ends)
  }

  @Test func othersStay() throws {
    #expect(fate([sshd(7)], [.device(other)]) == .stays)
    let anna = KeyHolder.operator(try OperatorName(validating: "anna"))
    #expect(fate([sshd(7)], [anna]) == .stays)
    #expect(fate([sshd(7), sshd(8)], sessions: [sshd(8)]) == .stays, "a recorded tunnel")
    #expect(fate([sshd(7), sshd(8)], own: [7, 1]) == .stays, "the connection that asks")
  }

  /// Whoever was logging in meanwhile was cut off: `HostA does not answer` where nothing was wrong.
  @Test func aLoginIsGivenTimeToSayWhoseItIs() {
    #expect(fate([sshd(7)], age: .zero) == .isAwaited)
    #expect(fate([sshd(7)], age: .milliseconds(1990)) == .isAwaited)
    #expect(fate([sshd(7)], age: .zero, sessions: [sshd(7)]) == .stays)
  }

  @Test func aPidThatIsAnothersByNowIsNoRecordedTunnel() {
    let later = ProcessIdentity(pid: 7, startTime: 6, bootID: "boot")
    #expect(fate([later], sessions: [sshd(7)]) == .ends)
  }
}
