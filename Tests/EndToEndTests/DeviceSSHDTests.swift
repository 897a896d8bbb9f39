import Foundation
import Testing

/// The device's own sshd is not as it was: it is down, or it has another host key.
@Suite(.serialized) struct DeviceSSHDTests {
  @Test func anSSHDThatIsDownIsToldAndTheTunnelStays() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let sshd = try lab.startBoxSSHD()
      let agent = try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      #expect(try lab.device("kitchen-pi")?["note"] is NSNull)

      sshd.stop()
      // A session that the device's sshd does not take is what makes the agent look after it.
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 255)
      try eventually("the note is there", within: 30) {
        try lab.device("kitchen-pi")?["note"] as? String == "ssh down on the device"
      }
      #expect(try lab.state("kitchen-pi") == "online")
      #expect(try lab.fleetSucceeds("list").contains("ssh down on the device"))
      #expect(try lab.fleetSucceeds("show", "kitchen-pi").contains("online, ssh down on the device"))

      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 255)
      try lab.startBoxSSHD()
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      try eventually("the note is gone", within: 45) { try lab.device("kitchen-pi")?["note"] is NSNull }
      #expect(agent.wait(0) == nil)
    }
  }

  /// A box may start its agent before its sshd: the host keys are told once there are some.
  @Test func anSSHDThatComesLaterIsReachedWithoutAnotherClaim() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let agent = try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      let claims = agent.error.components(separatedBy: "claiming").count
      let early = try lab.fleet("ssh", "kitchen-pi", "true")
      #expect(early.status == 1 && early.error.contains("host keys"), "\(early)")
      try lab.startBoxSSHD()
      try eventually("the host keys are known", within: 60) {
        try lab.device("kitchen-pi")?["enrolled"] as? Bool == true
      }
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      #expect(agent.error.components(separatedBy: "claiming").count == claims, "no other claim: \(agent.error)")
    }
  }

  /// Another machine may answer in the device's place: nobody is asked, and nothing is sent there.
  @Test func aChangedHostKeyIsRefusedUntilTheBoxIsProvisionedAgain() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let sshd = try lab.startBenchBox()
      let first = try lab.provisionTo("kitchen-pi")
      defer { lab.uninstall() }
      #expect(first.status == 0, "\(first)")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")

      try lab.swapHostKey(of: sshd)
      let refused = try lab.fleet("ssh", "kitchen-pi", "touch ~/reached", input: "yes\n", within: 30)
      #expect(refused.status == 255 && refused.error.contains("Host key verification failed"), "\(refused)")
      #expect(!refused.error.contains("(yes/no") && refused.error.contains("that nobody has recorded"), "\(refused)")
      #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: "reached").path))

      // The person stands before the box and knows that it is the one.
      try lab.meetBox()
      let again = try lab.provisionTo("kitchen-pi")
      #expect(again.status == 0 && !again.error.contains("host key than"), "\(again)")
      try lab.expectSilentSSH()
    }
  }
}
