import Foundation
import Testing

/// What becomes of a device after it was provisioned: another name, tags, another key, and its end.
@Suite(.serialized) struct DeviceLifeTests {
  @Test func aRenamedDeviceKeepsItsTunnelAndItsPins() throws {
    try Lab.with { lab in
      let (_, agent, _) = try lab.startKitchenPi()
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      let carrying = try lab.carryingSSHD()
      let pins = try String(contentsOf: lab.pins(of: "kitchen-pi"), encoding: .utf8)
      _ = try lab.provisionBundle("attic-pi")

      let unknown = try lab.fleet("rename", "kitchen-pie", "hall-pi")
      #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
      let taken = try lab.fleet("rename", "kitchen-pi", "attic-pi")
      #expect(taken.status == 1 && taken.error.contains("there is a device attic-pi already"), "\(taken)")
      #expect(try lab.fleet("rename", "kitchen-pi", "Hall").status == 2)
      #expect(try lab.fleet("rename", "kitchen-pi").status == 2)
      #expect(try String(contentsOf: lab.pins(of: "kitchen-pi"), encoding: .utf8) == pins)

      try lab.fleetSucceeds("rename", "kitchen-pi", "hall-pi")
      #expect(try lab.state("hall-pi") == "online" && lab.device("kitchen-pi") == nil)
      #expect(try lab.carryingSSHD() == carrying && agent.wait(0) == nil)
      #expect(!FileManager.default.fileExists(atPath: lab.pins(of: "kitchen-pi").path))
      let moved = try String(contentsOf: lab.pins(of: "hall-pi"), encoding: .utf8)
      #expect(moved == pins.replacing("kitchen-pi", with: "hall-pi"))
      let silent = try lab.fleet("ssh", "hall-pi", "echo works")
      #expect(silent.output == "works\n" && silent.error.isEmpty, "\(silent)")
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 3)
      #expect(try lab.audited("rename") == ["anna rename kitchen-pi (to hall-pi)"])
    }
  }

  @Test func tagsAreSetShownAndRemoved() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      _ = try lab.provisionBundle("kitchen-pi")
      let none = try lab.fleet("tag", "kitchen-pi")
      #expect(none.status == 0 && none.output.isEmpty && none.error == "kitchen-pi has no tags\n", "\(none)")
      #expect(try lab.fleetSucceeds("tag", "kitchen-pi", "site=berlin", "rack=7") == "rack=7\nsite=berlin\n")
      #expect(try lab.fleetSucceeds("tag", "kitchen-pi", "rack-", "note=two words") == "note=two words\nsite=berlin\n")
      #expect(try lab.fleetSucceeds("tag", "kitchen-pi") == "note=two words\nsite=berlin\n")
      #expect(try lab.device("kitchen-pi")?["tags"] as? [String: String] == ["site": "berlin", "note": "two words"])

      let unknown = try lab.fleet("tag", "kitchen-pj", "a=b")
      #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
      for bad in ["site", "Big=x", "a=\u{7}", "-", "a b=c"] {
        let refused = try lab.fleet("tag", "kitchen-pi", "--", bad)
        #expect(refused.status == 2 && !refused.error.contains("\u{7}"), "\(bad): \(refused)")
      }
      #expect(try lab.fleetSucceeds("tag", "kitchen-pi") == "note=two words\nsite=berlin\n")
      #expect(
        try lab.audited("tag") == [
          "anna tag kitchen-pi (rack=7 site=berlin)", "anna tag kitchen-pi (note=two words rack-)",
        ])
    }
  }

  @Test func aDeviceThatReplacesItsKeyComesBackAtOnce() throws {
    try Lab.with { lab in
      _ = try lab.startKitchenPi()
      let carrying = try lab.carryingSSHD()
      let unknown = try lab.fleet("rekey", "kitchen-pj")
      #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
      let asked = try lab.fleet("rekey", "kitchen-pi")
      #expect(asked.status == 0 && asked.error.contains("its tunnel was ended"), "\(asked)")
      try eventually("the device came again", within: 30) {
        try lab.state("kitchen-pi") == "online" && lab.carryingSSHD() != carrying
      }
      #expect(try lab.audited("rekey") == ["anna rekey kitchen-pi"])
    }
  }

  @Test func aRemovalIsConfirmedOrNotDone() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      _ = try lab.provisionBundle("kitchen-pi")
      let port = lab.ports.leases.lowerBound
      let nobody = try lab.fleet("remove", "kitchen-pi", input: "yes\n")
      #expect(nobody.status == 2 && nobody.error.contains("--yes"), "\(nobody)")
      let unknown = try lab.fleet("remove", "--yes", "kitchen-pi", "kitchen-pie")
      #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
      for answer in ["no\n", "\n", "y\n"] {
        let refused = try lab.onTerminal("fleet remove kitchen-pi", input: answer)
        #expect(refused.status == 1 && refused.output.contains("nothing was removed"), "\(refused)")
        #expect(refused.output.contains("kitchen-pi is offline, last seen: never, port \(port)"), "\(refused)")
      }
      #expect(try lab.device("kitchen-pi") != nil && lab.audited("remove").isEmpty)

      let done = try lab.onTerminal("fleet remove kitchen-pi", input: "yes\n")
      #expect(done.status == 0, "\(done)")
      #expect(done.output.contains("removed kitchen-pi: it had no tunnel; port \(port) rests for a day"), "\(done)")
      #expect(try lab.device("kitchen-pi") == nil)
      #expect(try lab.audited("remove") == ["anna remove kitchen-pi (port \(port))"])
    }
  }

  @Test func aRemovedDeviceIsOutWithinFiveSecondsAndItsAgentTurnedAway() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let port = lab.ports.leases.lowerBound
      let session = try lab.start(lab.laptop, ["fleet", "ssh", "kitchen-pi", "while echo begun; do sleep 0.1; done"])
      try eventually("the session has begun", within: 15) { session.output.contains("begun") }

      let begin = Date()
      let removed = try lab.fleet("remove", "--yes", "kitchen-pi")
      #expect(removed.status == 0, "\(removed)")
      #expect(
        removed.error == "removed kitchen-pi: its tunnel was ended; port \(port) rests for a day\n", "\(removed)")
      try eventually("the tunnel is gone", within: 5) { !PortBlock.isListening(port) }
      #expect(session.wait(5) == 255)
      #expect(Date().timeIntervalSince(begin) < 5)
      #expect(!FileManager.default.fileExists(atPath: lab.pins(of: "kitchen-pi").path))

      try eventually("the agent is turned away\n\(agent.error)", within: 30) {
        agent.error.contains("HostA does not accept this device's key")
      }
      let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
      let refused = try Thief(lab: lab, account: lab.box, key: key).run([], command: ["claim"])
      #expect(refused.status == 255 && refused.error.contains("Permission denied"), "\(refused)")
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 3)
      #expect(try lab.fleet("remove", "--yes", "kitchen-pi").status == 3)
      #expect(try lab.audited("remove") == ["anna remove kitchen-pi (port \(port))"])

      // The name is free at once, the port is not.
      agent.stop()
      try lab.succeed(lab.laptop, ["rm", "kitchen-pi.tar"])
      try lab.succeed(lab.box, ["rm", "kitchen-pi.tar"])
      _ = try lab.provisionBundle("kitchen-pi")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == port + 1)
      #expect(!PortBlock.isListening(port))
    }
  }
}

extension Lab {
  /// The laptop's known_hosts file of a device.
  func pins(of device: String) -> URL {
    laptop.home.appending(path: ".local/state/fleet/devices/\(hostAddress)/\(device)")
  }

  /// Runs a shell command of the person at the laptop, on a terminal of its own. What it says there is the output.
  fileprivate func onTerminal(_ command: String, input: String) throws -> Outcome {
    try run(laptop, ["script", "-qec", command, "/dev/null"], input: input)
  }

  /// That the n-th box's host key is new is said in exactly one line by the next connection, and not by the one after.
  func expectNewHostKey(of n: Int, recorded: String) throws {
    let told = try fleet("ssh", "kitchen-pi", "echo works")
    #expect(told.status == 0 && told.output == "works\n", "\(told)")
    let lines = told.error.split(separator: "\n")
    #expect(lines.count == 1 && lines[0].hasPrefix("fleet: kitchen-pi has a new host key since 20"), "\(told)")
    #expect(told.error.hasSuffix(" (\(recorded)): \(try boxFingerprint(n))\n"), "\(told)")
    try expectSilentSSH()
  }

  /// The device is reached, and there is nothing to say about it.
  func expectSilentSSH() throws {
    let silent = try fleet("ssh", "kitchen-pi", "echo works")
    #expect(silent.output == "works\n" && silent.error.isEmpty, "\(silent)")
  }
}
