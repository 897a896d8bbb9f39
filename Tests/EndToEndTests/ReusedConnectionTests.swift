import Foundation
import Testing

/// The second command within a minute goes over the connections of the first one, and nobody notices but by the clock.
@Suite(.serialized) struct ReusedConnectionTests {
  @Test func theSecondCommandLogsInNowhere() throws {
    try Lab.with { lab in
      let (server, sshd) = try lab.startReuseLab()
      // What a person's own configuration says of shared connections is left to the person's own ssh.
      try lab.succeed(
        lab.laptop,
        ["sh", "-c", "printf 'Host *\\nControlMaster auto\\nControlPath ~/.ssh/own-%%C\\n' >>~/.ssh/config"])
      func logins(_ arguments: [String], reuse: Bool = true, input: String = "") throws -> (Outcome, Int, Int) {
        let before = (lab.operatorLogins(server), lab.logins(sshd))
        let outcome = try lab.run(
          lab.laptop, ["fleet"] + arguments, input: input, environment: reuse ? [:] : ["FLEET_REUSE": "0"])
        return (outcome, lab.operatorLogins(server) - before.0, lab.logins(sshd) - before.1)
      }
      func expect(
        _ found: (Outcome, Int, Int), hostA: Int, device: Int, status: Int32 = 0, output: String? = nil,
        _ location: SourceLocation = #_sourceLocation
      ) {
        #expect(found.1 == hostA && found.2 == device, "\(found)", sourceLocation: location)
        #expect(found.0.status == status && found.0.error.isEmpty, "\(found)", sourceLocation: location)
        if let output { #expect(found.0.output == output, sourceLocation: location) }
      }
      lab.endMasters()
      try eventually("the connections are over") { lab.masters.isEmpty }

      try expect(logins(["ssh", "kitchen-pi", "echo one"]), hostA: 1, device: 1, output: "one\n")
      try expect(logins(["ssh", "kitchen-pi", "echo two"]), hostA: 0, device: 0, output: "two\n")
      try expect(logins(["ssh", "kitchen-pi", "cat"], input: "a\0b\n"), hostA: 0, device: 0, output: "a\0b\n")
      try expect(logins(["ssh", "-T", "kitchen-pi", "exit 7"]), hostA: 0, device: 0, status: 7)
      try expect(logins(["list"]), hostA: 0, device: 0)
      // Another account, and an option of the connection: not the same connection to the device.
      try expect(logins(["ssh", "\(lab.box.name)@kitchen-pi", "true"]), hostA: 0, device: 1)
      try expect(logins(["ssh", "-C", "kitchen-pi", "true"]), hostA: 0, device: 1)
      try expect(logins(["ssh", "kitchen-pi", "true"], reuse: false), hostA: 1, device: 1)
      try expect(logins(["list"], reuse: false), hostA: 1, device: 0)

      let folder = lab.laptop.home.appending(path: "run/fleet")
      let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int
      #expect(mode == 0o700)
      #expect(try lab.succeed(lab.laptop, ["sh", "-c", "ls ~/.ssh"]).contains("own-") == false)

      // Behind the name is nobody any more.
      try lab.fleetSucceeds("rename", "kitchen-pi", "hall-pi")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix("d") })
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 3)
    }
  }

  /// What stays in the background holds nothing of the caller's, and nothing that happens to the first session's terminal
  /// happens to the others.
  @Test func whatStaysHoldsNobodyUp() throws {
    try Lab.with { lab in
      try lab.startReuseLab()
      for _ in 0..<2 {
        lab.endMasters()
        try eventually("the connections are over") { lab.masters.isEmpty }
        // A minute would pass here if the background held the pipe.
        let piped = try lab.succeed(
          lab.laptop, ["sh", "-c", "fleet ssh kitchen-pi echo works 2>&1 | cat; x=$(fleet list 2>&1); echo \"$x\""],
          within: 40)
        #expect(piped.hasPrefix("works\n") && piped.contains("kitchen-pi"))
      }

      lab.endMasters()
      try eventually("the connections are over") { lab.masters.isEmpty }
      func session(_ word: String) throws -> Running {
        let session = try lab.start(
          lab.laptop, ["fleet", "ssh", "kitchen-pi", "while echo \(word); do sleep 0.1; done"])
        try eventually("a session has begun\n\(session.error)") { session.output.contains(word) }
        return session
      }
      let (first, second) = (try session("first"), try session("second"))
      kill(-first.pid, SIGINT)
      kill(-first.pid, SIGHUP)
      #expect(first.wait(30) != nil)
      let said = second.output.utf8.count
      try eventually("the second goes on\n\(second.error)") { second.output.utf8.count > said + 50 }
      second.stop()
    }
  }

  @Test func aConnectionThatIsGoneIsMadeAnewWithoutAWord() throws {
    try Lab.with { lab in
      let (server, _) = try lab.startReuseLab()
      func works(_ what: String) throws {
        let outcome = try lab.fleet("ssh", "kitchen-pi", "echo works")
        #expect(outcome.status == 0 && outcome.output == "works\n" && outcome.error.isEmpty, "\(what): \(outcome)")
        let list = try lab.fleet("list")
        #expect(list.status == 0 && list.error.isEmpty && list.output.contains("kitchen-pi"), "\(what): \(list)")
      }
      try works("first")
      for pid in lab.masters { kill(pid, SIGKILL) }
      try eventually("the connections are over") { lab.masters.isEmpty }
      try works("sockets with nobody behind them")

      let stopped = lab.masters
      for pid in stopped { kill(pid, SIGSTOP) }
      try works("the background does not answer")
      for pid in stopped { kill(pid, SIGKILL) }

      // HostA's end of the connection is silent, as after a change of network that nobody told.
      if let uid = lab.hostA.uid {
        lab.endMasters()
        try eventually("the connections are over") { lab.masters.isEmpty }
        let before = Set(Lab.processes(of: [uid]).map(\.0))
        try lab.fleetSucceeds("list")
        let session = Lab.processes(of: [uid]).filter { !before.contains($0.0) && $0.1.hasPrefix("sshd: ") }.map(\.0)
        #expect(!session.isEmpty)
        for pid in session { kill(pid, SIGSTOP) }
        try works("HostA is silent")
        for pid in session { kill(pid, SIGKILL) }
      }

      #expect(server.stop() == 0)
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 6)
      try lab.runHostA()
      try lab.online("kitchen-pi")
      try works("HostA was restarted")
    }
  }

  /// Neither HostA's sshd nor the device's gives a second session on one connection.
  @Test func anSSHDThatTakesNoFurtherSessionGetsAnotherConnection() throws {
    try Lab.with { lab in
      try lab.startReuseLab(maxSessions: 1)
      let session = try lab.start(lab.laptop, ["fleet", "ssh", "kitchen-pi", "while echo begun; do sleep 0.1; done"])
      try eventually("the session has begun\n\(session.error)") { session.output.contains("begun") }
      let second = try lab.fleet("ssh", "kitchen-pi", "echo works; exit 9")
      #expect(second.status == 9 && second.output == "works\n" && second.error.isEmpty, "\(second)")
      let list = try lab.fleet("list")
      #expect(list.status == 0 && list.error.isEmpty, "\(list)")
      session.stop()
    }
  }

  @Test(.enabled(if: namespacesWanted, "network namespaces cannot be made here: run as root"))
  func inAnotherNetworkAnotherConnectionIsMade() throws {
    try NATTests.inNATWorld { world, lab in
      try lab.startKitchenPi()
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      let moved = NATWorld.shell(
        """
        ip -n \(world.laptop) addr del 203.0.113.3/24 dev net0 && ip -n \(world.laptop) addr add 203.0.113.7/24 dev net0
        """)
      #expect(moved.status == 0, "\(moved)")
      let before = Set(lab.masters)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      #expect(try lab.fleetSucceeds("list").contains("kitchen-pi"))
      // The old connections are not tried: new ones stand beside them.
      #expect(lab.masters.count { !before.contains($0) } == 3, "to HostA, through it, and to the device")
    }
  }
}

extension Lab {
  /// HostA, one box and its tunnel, all up. Returns what tells of logins: HostA and the box's sshd.
  @discardableResult fileprivate func startReuseLab(maxSessions: Int? = nil) throws -> (server: Running, sshd: Running)
  {
    try initHostA()
    let limit = maxSessions.map { "MaxSessions \($0)" }
    if let limit { try replaceSSHD(by: "exec /usr/sbin/sshd -o '\(limit)' \"$@\"") }
    let server = try runHostA()
    try login()
    let sshd = try startBoxSSHD(extra: limit ?? "")
    try startAgent("kitchen-pi", configuration: try provisionBundle("kitchen-pi"))
    return (server, sshd)
  }

  /// HostA writes sshd's configuration itself, so further options come from a script in sshd's place.
  private func replaceSSHD(by script: String) throws {
    let wrapper = try write("#!/bin/sh\n\(script)\n", to: "sshd", of: hostA, mode: 0o700)
    try succeed(
      hostA,
      [
        "sh", "-c", "sed -i \"s#\\\"/usr/sbin/sshd\\\"#\\\"$1\\\"#\" ~/.local/state/fleet-server/*.json", "sh",
        wrapper.path,
      ])
  }

  fileprivate func logins(_ sshd: Running) -> Int { sshd.error.components(separatedBy: "Accepted publickey").count - 1 }

  /// How often the laptop's key was let in.
  fileprivate func operatorLogins(_ server: Running) -> Int {
    guard let line = try? succeed(laptop, ["ssh-keygen", "-lf", operatorKey.path + ".pub"]) else { return -1 }
    let fingerprint = line.split(separator: " ")[1]
    return server.error.split(whereSeparator: \.isNewline).count {
      $0.contains("Accepted publickey") && $0.contains(fingerprint)
    }
  }
}
