import FleetProtocol
import Testing

@testable import FleetAgent

@Suite struct CanaryJudgementTests {
  private let start = Monotonic.now

  private func judgement(arrivals: Int = 1, served: Bool = true, says text: String = "") -> CanaryJudgement {
    var judgement = CanaryJudgement(now: start)
    for _ in 0..<arrivals { judgement.arrived(isServed: served) }
    judgement.receive(text.utf8)
    return judgement
  }

  @Test func theDevicesBannerProvesTheTunnel() {
    #expect(judgement(says: "SSH-2.0-OpenSSH_9.2").outcome(now: start) == .proved(.up))
  }

  @Test func aBannerThatDidNotComeThroughTheTunnelIsAnotherProgram() {
    #expect(
      judgement(arrivals: 0, says: "SSH-2.0-x").outcome(now: start) == .lost("another program answers on the port"))
    #expect(
      judgement(arrivals: 0, says: "HTTP/1.1\r\n").outcome(now: start) == .lost("another program answers on the port"))
  }

  @Test func anSSHDThatTurnsClientsAwayIsNotADeadTunnel() {
    #expect(judgement(says: "Not allowed at this time\r\n").outcome(now: start) == .proved(.down))
  }

  @Test func isOutUntilSomethingIsKnown() {
    #expect(judgement().outcome(now: start + .seconds(14)) == nil)
    #expect(judgement(says: "SS").outcome(now: start) == nil)
    #expect(judgement(arrivals: 0).outcome(now: start) == nil)
  }

  @Test func aSilentOrClosedSSHDIsDownAndTheTunnelProved() {
    #expect(judgement().outcome(now: start + .seconds(15)) == .proved(.down))
    var closed = judgement()
    closed.ended("closed")
    #expect(closed.outcome(now: start) == .proved(.down))
  }

  @Test func aFullAgentSaysNothingOfTheSSHD() {
    var full = judgement(served: false)
    full.ended("closed")
    #expect(full.outcome(now: start) == .proved(nil))
  }

  @Test func whatNeverComesBackIsLost() {
    #expect(judgement(arrivals: 0).outcome(now: start + .seconds(15)) == .lost("the canary did not come back"))
    var refused = judgement(arrivals: 0)
    refused.ended("HostA refused the canary")
    #expect(refused.outcome(now: start) == .lost("HostA refused the canary"))
  }
}
