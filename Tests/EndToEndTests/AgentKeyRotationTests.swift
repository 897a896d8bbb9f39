import Foundation
import Testing

/// The device's key is replaced, against a real sshd: what the old one is good for afterwards, and what an agent that is
/// killed in the middle of it does.
@Suite(.serialized) struct AgentKeyRotationTests {
  /// A device whose agent runs from an unpacked bundle.
  private struct Bundle {
    let lab: Lab
    let configuration: URL
    var key: URL { configuration.deletingLastPathComponent().appending(path: "id_ed25519") }
    var next: URL { key.appendingPathExtension("new") }

    /// Has HostA want another key. Returns the present one, and whether a connection was ended for it.
    func rekey() throws -> Data {
      let present = try Data(contentsOf: key)
      let person = Thief(lab: lab, account: lab.laptop, key: lab.operatorKey)
      let outcome = try person.run([], command: ["rekey", "kitchen-pi"])
      guard outcome.status == 0 else { throw NeverHappened(what: "rekey: \(outcome)") }
      return present
    }

    func isReplaced(_ old: Data) -> Bool {
      (try? Data(contentsOf: key)) != old && !FileManager.default.fileExists(atPath: next.path)
    }

    /// What HostA says to somebody with this key.
    func claim(with key: Data) throws -> Outcome {
      let file = lab.box.home.appending(path: "leaked")
      try key.write(to: file)
      chmod(file.path, 0o600)
      if let uid = lab.box.uid { chown(file.path, uid, uid) }
      return try Thief(lab: lab, account: lab.box, key: file).run([], command: ["report"])
    }
  }

  private func withBundle(_ body: (Lab, Bundle) throws -> Void) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      try body(lab, Bundle(lab: lab, configuration: try lab.provisionBundle("kitchen-pi")))
    }
  }

  @Test func aLeakedImageIsWorthlessAfterTheFirstContact() throws {
    try withBundle { lab, bundle in
      let leaked = try bundle.rekey()
      #expect(try bundle.claim(with: leaked).output.contains("\"ok\":"), "the key opens HostA until then")
      let agent = try lab.startAgent("kitchen-pi", configuration: bundle.configuration)
      try eventually("the key is replaced\n\(agent.error)") { bundle.isReplaced(leaked) }
      let refused = try bundle.claim(with: leaked)
      #expect(refused.status == 255 && refused.error.contains("Permission denied (publickey)"), "\(refused)")
      try lab.online("kitchen-pi", agent: agent)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo reached").contains("reached"))
      #expect(agent.error.contains("the device's key is replaced"))
      // The agent that starts anew has the new key only.
      agent.stop()
      try lab.startAgent("kitchen-pi", configuration: bundle.configuration)
    }
  }

  @Test func anAgentThatIsKilledDuringAReplacementComesBack() throws {
    try withBundle { lab, bundle in
      var random = SystemRandomNumberGenerator()
      // How long an undisturbed replacement takes from the agent's start.
      var old = try bundle.rekey()
      var agent = try lab.start(lab.box, ["fleet-agent", "run", "--config", bundle.configuration.path])
      let began = Date()
      try eventually("the key is replaced\n\(agent.error)") { bundle.isReplaced(old) }
      let length_ms = max(100, Int(Date().timeIntervalSince(began) * 1000))
      agent.stop()

      var withNext = 0
      for round in 1...20 {
        old = try bundle.rekey()
        agent = try lab.start(lab.box, ["fleet-agent", "run", "--config", bundle.configuration.path])
        let moment_ms = Int.random(in: 0...length_ms, using: &random)
        usleep(UInt32(moment_ms) * 1000)
        agent.stop(SIGKILL)
        if FileManager.default.fileExists(atPath: bundle.next.path) { withNext += 1 }
        agent = try lab.start(lab.box, ["fleet-agent", "run", "--config", bundle.configuration.path])
        try eventually("the key is replaced, round \(round), killed after \(moment_ms) ms\n\(agent.error)") {
          bundle.isReplaced(old)
        }
        try lab.online("kitchen-pi", agent: agent)
        let refused = try bundle.claim(with: old)
        #expect(refused.error.contains("Permission denied (publickey)"), "round \(round): \(refused)")
        agent.stop()
      }
      print("killed 20 times within \(length_ms) ms, \(withNext) times with both keys on disk")
    }
  }

  @Test(.enabled(if: getuid() == 0, "the box's files cannot be given to somebody else: run as root"))
  func aFolderThatCannotBeWrittenKeepsTheTunnelAndSaysSo() throws {
    try withBundle { lab, bundle in
      let folder = bundle.configuration.deletingLastPathComponent()
      chown(folder.path, 0, 0)
      chmod(folder.path, 0o755)
      let old = try bundle.rekey()
      let agent = try lab.startAgent("kitchen-pi", configuration: bundle.configuration, replacesKey: false)
      let warning = "the device's key is to be replaced, but a new one cannot be written: "
      try eventually("it is warned of\n\(agent.error)") { agent.error.contains(warning) }
      let status = try lab.agentStatus(bundle.configuration)
      #expect(status.status == 0 && status.output.contains("\nkey         \(warning)cannot create"), "\(status)")
      #expect(try Data(contentsOf: bundle.key) == old)
      #expect(try lab.state("kitchen-pi") == "online")
      #expect(agent.error.ranges(of: warning).count == 1)
      // Once it can be written again, the next claim is enough.
      if let uid = lab.box.uid { chown(folder.path, uid, uid) }
      _ = try bundle.rekey()
      try eventually("the key is replaced\n\(agent.error)") { bundle.isReplaced(old) }
    }
  }
}
