import Foundation
import Testing

/// New hardware in the place of a device: `fleet replace`.
@Suite(.serialized) struct ReplaceTests {
  @Test func aBundleTakesNamePortAndTagsAndTheOldBoxIsTurnedAway() throws {
    try Lab.with { lab in
      let (_, old, configuration) = try lab.startKitchenPi()
      let port = lab.ports.leases.lowerBound
      try lab.fleetSucceeds("tag", "kitchen-pi", "site=berlin")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      #expect(try lab.fleetElsewhere("ssh", "kitchen-pi", "echo works").output == "works\n")
      let oldKey = try lab.put(aside: configuration)
      try lab.startBoxSSHD(1)

      let new = lab.laptop.home.appending(path: "new.tar").path
      let unknown = try lab.fleet("replace", "kitchen-pie", "--bundle", new)
      #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
      #expect(try lab.fleet("replace", "--bundle", new).status == 2)
      #expect(try lab.fleet("replace", "kitchen-pi").status == 2)
      #expect(!FileManager.default.fileExists(atPath: new))
      #expect(try lab.state("kitchen-pi") == "online" && lab.audited("replace").isEmpty)

      let replaced = try lab.fleet("replace", "kitchen-pi", "--bundle", new, "--sshd-port", "\(lab.ports.box(1))")
      #expect(replaced.status == 0 && replaced.error.contains("the old box's key is refused"), "\(replaced)")
      try eventually("the old tunnel is gone", within: 5) { !PortBlock.isListening(port) }
      try eventually("the old agent is turned away\n\(old.error)", within: 30) {
        old.error.contains("HostA does not accept this device's key")
      }
      let refused = try Thief(lab: lab, account: lab.box, key: oldKey).run([], command: ["claim"])
      #expect(refused.status == 255 && refused.error.contains("Permission denied"), "\(refused)")

      // Here both boxes are one machine, which runs one agent for a device.
      old.stop()
      try lab.startAgent("kitchen-pi", configuration: try lab.unpack(new))
      let device = try #require(try lab.device("kitchen-pi"))
      #expect(device["port"] as? Int == port && device["user"] as? String == lab.box.name)
      #expect(device["tags"] as? [String: String] == ["site": "berlin"])
      // The laptop that replaced it is told in a line; one that knows nothing of it refuses.
      try lab.expectNewHostKey(of: 1, recorded: "recorded at its first contact")
      try lab.expectRefusalElsewhere(
        old: try lab.boxFingerprint(0), new: try lab.boxFingerprint(1), recorded: "at its first contact")
      #expect(try lab.audited("replace") == ["anna replace kitchen-pi (port \(port))"])
    }
  }

  @Test func aBoxOnTheBenchTakesTheNameAndASecondRunChangesNothing() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD(1)
      let configuration = try lab.provisionBundle("kitchen-pi", box: 1)
      // The same account plays both boxes, and a box on the bench gets its files there.
      let aside = lab.box.home.appending(path: "old-box")
      try lab.succeed(lab.box, ["mv", configuration.deletingLastPathComponent().path, aside.path])
      let oldConfiguration = aside.appending(path: "agent.json")
      var old = try lab.startAgent("kitchen-pi", configuration: oldConfiguration)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      let port = try lab.device("kitchen-pi")?["port"] as? Int

      // And one machine runs one agent for a device.
      old.stop()
      try lab.startBenchBox()
      func replace() throws -> Outcome {
        try lab.fleet("replace", "kitchen-pi", "--to", "\(lab.box.name)@127.0.0.1:\(lab.ports.box(0))", within: 120)
      }
      let taken = try lab.provisionTo("kitchen-pi")
      #expect(taken.status == 1 && taken.error.contains("with another key"), "\(taken)")
      let first = try replace()
      defer { lab.uninstall() }
      #expect(first.status == 0 && first.error.contains("the old box's key is refused"), "\(first)")
      #expect(try lab.state("kitchen-pi") == "online" && lab.device("kitchen-pi")?["port"] as? Int == port)
      // It saw the new keys on the bench.
      try lab.expectSilentSSH()

      let second = try replace()
      #expect(second.status == 0 && !second.error.contains("is refused"), "\(second)")
      try lab.expectSilentSSH()
      #expect(try lab.audited("replace").count == 1)

      // The old box is switched on again.
      lab.uninstall()
      old = try lab.start(lab.box, ["fleet-agent", "run", "--config", oldConfiguration.path])
      try eventually("the old box is turned away\n\(old.error)", within: 30) {
        old.error.contains("HostA does not accept this device's key")
      }
    }
  }
}

extension Lab {
  /// A copy of the private key that lies beside an agent's configuration.
  fileprivate func put(aside configuration: URL) throws -> URL {
    let copy = box.home.appending(path: "old_key")
    let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
    try succeed(box, ["cp", "-p", key.path, copy.path])
    return copy
  }

  /// Carries a bundle of kitchen-pi to another box, which the same account plays in another folder. Returns the
  /// agent's configuration file.
  fileprivate func unpack(_ bundle: String) throws -> URL {
    let folder = box.home.appending(path: "new-box")
    try succeed(box, ["mkdir", folder.path])
    let carried = folder.appending(path: "bundle.tar")
    try FileManager.default.copyItem(at: URL(filePath: bundle), to: carried)
    if let uid = box.uid { chown(carried.path, uid, uid) }
    try succeed(box, ["tar", "-xf", carried.path, "-C", folder.path])
    return folder.appending(path: "fleet-agent-kitchen-pi/agent.json")
  }
}
