import Foundation
import Testing

/// A device that nobody has seen by its time is dead; one that was seen is not.
@Suite(.serialized) struct ExpiryTests {
  @Test func aDeviceThatWasNeverSeenIsRemovedWhenItIsDue() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      let (dead, deadKey) = try lab.boxKey("dead")
      let (seen, seenKey) = try lab.boxKey("seen")
      // While the watch stands still, sshd alone keeps to the time.
      kill(server.pid, SIGSTOP)
      defer { kill(server.pid, SIGCONT) }
      let first = try lab.anna.succeed("provision dead-pi", body: lab.provisionBody(deadKey, more: #","expires_s":3"#))
      let second = try lab.anna.succeed(
        "provision seen-pi", body: lab.provisionBody(seenKey, more: #","expires_s":600"#))
      let deadID = try #require(first.fields["device"] as? String)
      let seenID = try #require(second.fields["device"] as? String)
      #expect(try lab.keyLines(of: deadID)[0].contains("expiry-time=\""))
      #expect(try seen.claim().isOK, "a key that is not over yet is let in")
      try eventually("sshd refuses the key", within: 15) { try dead.isShutOut }
      #expect(try lab.keyLines(of: deadID).count == 1 && lab.keyLines(of: seenID)[0].contains("expiry-time=\""))

      kill(server.pid, SIGCONT)
      try eventually("the watch removes the one\n\(server.error)", within: 20) {
        try lab.keyLines(of: deadID).isEmpty && !lab.keyLines(of: seenID)[0].contains("expiry-time")
      }
      #expect(try lab.audit(of: deadID) == ["anna provision", "host expire"])
      #expect(try seen.claim().isOK)
      #expect(try lab.anna.ask("show dead-pi").code == "no-such-device")
      let next = try lab.anna.succeed("provision next-pi", body: lab.provisionBody(try lab.boxKey("next").key))
      #expect(next.fields["port"] as? Int == first.fields["port"] as? Int, "its port is free at once")
    }
  }

  /// Without the watch, the next request of an operator finds it gone.
  @Test func aDeviceThatIsOverIsInNoList() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      kill(server.pid, SIGSTOP)
      defer { kill(server.pid, SIGCONT) }
      try lab.anna.succeed(
        "provision dead-pi", body: lab.provisionBody(try lab.boxKey("dead").key, more: #","expires_s":1"#))
      try eventually("it is over", within: 15) { try lab.device("dead-pi") == nil }
      #expect(try lab.fleet("show", "dead-pi").status == 3)
    }
  }
}
