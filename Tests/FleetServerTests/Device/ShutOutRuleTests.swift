import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ShutOutRuleTests {
  private let thief = DeviceID(random: 1)
  private let other = DeviceID(random: 2)

  private func sshd(_ pid: Int32) -> ProcessIdentity { ProcessIdentity(pid: pid, startTime: 5, bootID: "boot") }

  private func ending(_ open: OpenConnection, sessions: Set<ProcessIdentity> = [], own: Set<Int32> = []) -> Bool {
    !ShutOutRule.ending([open], of: .device(thief), sessions: sessions, ownAncestors: own).isEmpty
  }

  @Test func whatTheHolderRunsEndsAlsoWhereATunnelIsRecorded() {
    let open = OpenConnection(sshd: [sshd(7)], callers: [.device(thief)])
    #expect(ending(open))
    #expect(ending(open, sessions: [sshd(7)]))
  }

  @Test func whatNobodyCanNameEnds() {
    #expect(ending(OpenConnection(sshd: [sshd(7), sshd(8)], callers: [])))
  }

  @Test func othersStay() throws {
    #expect(!ending(OpenConnection(sshd: [sshd(7)], callers: [.device(other)])))
    let anna = KeyHolder.operator(try OperatorName(validating: "anna"))
    #expect(!ending(OpenConnection(sshd: [sshd(7)], callers: [anna])))
    #expect(!ending(OpenConnection(sshd: [sshd(7), sshd(8)], callers: []), sessions: [sshd(8)]), "a recorded tunnel")
    #expect(!ending(OpenConnection(sshd: [sshd(7), sshd(8)], callers: []), own: [7, 1]), "the connection that asks")
  }

  @Test func aPidThatIsAnothersByNowIsNoRecordedTunnel() {
    let later = ProcessIdentity(pid: 7, startTime: 6, bootID: "boot")
    #expect(ending(OpenConnection(sshd: [later], callers: []), sessions: [sshd(7)]))
  }
}
