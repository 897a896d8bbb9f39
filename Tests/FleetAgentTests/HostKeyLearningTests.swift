import FleetProtocol
import FleetSSH
import Testing
import ThrowawaySSHD

@testable import FleetAgent

@Suite struct HostKeyLearningTests {
  /// Turns it as the loop does until something comes of a scan, with its clock `later`.
  private func outcome(_ learning: HostKeyLearning, later: Duration = .zero) -> HostKeyLearning.Outcome? {
    var set = PollSet()
    while learning.deadline != nil {
      set.removeAll()
      learning.register(in: &set)
      set.wait(limit: .milliseconds(50))
      if let outcome = learning.turn(set, now: .now + later) { return outcome }
    }
    return nil
  }

  @Test func learnsNothingBeforeItIsTold() throws {
    let learning = HostKeyLearning(port: TCPPort(22)!)
    #expect(outcome(learning) == nil)
  }

  @Test func learnsEveryKeyOnceTheSSHDIsThere() throws {
    let port = try ThrowawaySSHD.freePort()
    let learning = HostKeyLearning(port: TCPPort(port)!)
    learning.begin(now: .now)
    #expect(outcome(learning) == .failed("connection refused"))
    #expect(outcome(learning, later: HostKeyLearning.retryInterval) == .failed("connection refused"), "tried again")

    let sshd = try ThrowawaySSHD(authorizedKeys: "", hostKeyTypes: ["ed25519", "ecdsa"])
    defer { sshd.stop() }
    let later = HostKeyLearning(port: TCPPort(sshd.port)!)
    later.begin(now: .now)
    #expect(outcome(later) == .learned(try sshd.hostKeys.map { try PublicKey(parsing: $0) }))
    #expect(later.deadline == nil, "done")
  }
}
