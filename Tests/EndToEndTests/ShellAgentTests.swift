import Foundation
import Testing

private let hasDropbearAndBusybox = ["dbclient", "dropbearkey", "busybox"].allSatisfy { program in
  ["/usr/bin", "/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
}

/// Boxes without our binary: the shell agent in dash and in busybox's ash, with the real `ssh` and the real `dbclient`.
@Suite(.serialized, .enabled(if: hasDropbearAndBusybox, "dropbear-bin and busybox are not installed"))
struct ShellAgentTests {
  @Test(arguments: ShellBox.all) func theTunnelStandsAndComesBack(_ kind: ShellBox) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let sshd = try lab.startBoxSSHD()
      let folder = try lab.provisionShellBundle("router")
      let path = try kind.makePath(lab)
      let agent = try lab.startShellAgent(kind, path: path, folder: folder)
      try lab.online("router", agent: agent)
      let device = try #require(try lab.device("router"))
      #expect(device["agent_version"] as? String == "shell-0.1.0")
      #expect((device["facts"] as? [String: Any])?["client"] as? String == kind.client.rawValue)
      #expect(try lab.fleetSucceeds("ssh", "router", "echo through it") == "through it\n")

      // One lock: a second one ends at once, and the first is not disturbed.
      let second = try lab.startShellAgent(kind, path: path, folder: folder)
      #expect(second.wait(20) == 1 && second.error.contains("another agent runs"), "\(second.error)")

      // HostA ends the session.
      let carrier = try #require(try lab.carrier("router"))
      try lab.succeed(lab.hostA, ["kill", "\(carrier)"])
      try eventually("it is back\n\(agent.error)", within: 40) {
        try lab.state("router") == "online" && lab.carrier("router") != carrier
      }
      #expect(try lab.fleetSucceeds("ssh", "router", "echo again") == "again\n")

      // The canary finds the box's own sshd away, which is told and no reason to leave the tunnel.
      let standing = try #require(try lab.carrier("router"))
      sshd.stop()
      try eventually("it is told that sshd is down\n\(agent.error)", within: 40) {
        try lab.device("router")?["note"] as? String == "ssh down on the device"
      }
      #expect(try lab.carrier("router") == standing)

      // Something else answers there: nothing of an sshd comes back, twice, and the agent makes a new tunnel.
      let other = try Squatter(port: lab.ports.box(0))
      try eventually("the canary is lost\n\(agent.error)", within: 60) {
        _ = other.wasVisited()
        return agent.error.contains("nothing comes back through HostA")
      }
      other.leave()
      try lab.startBoxSSHD()
      try eventually("it is well again\n\(agent.error)", within: 60) {
        try lab.state("router") == "online" && lab.device("router")?["note"] as? String == nil
      }

      #expect(agent.stop() == 0)
      try eventually("it is offline", within: 10) { try lab.state("router") == "offline" }
    }
  }

  /// At the first contact, and whenever HostA asks: the device makes another key, and the one before opens nothing any more.
  @Test(arguments: ShellBox.all) func theKeyIsReplaced(_ kind: ShellBox) throws {
    try Lab.with { lab in
      let folder = try lab.prepareRouter()
      let stolen = lab.box.home.appending(path: "stolen")
      try lab.succeed(lab.box, ["cp", folder.appending(path: "id_ed25519").path, stolen.path])
      let path = try kind.makePath(lab)
      let agent = try lab.startShellAgent(kind, path: path, folder: folder)
      try lab.online("router", agent: agent)
      let replaced = "the device's key was replaced"
      #expect(agent.error.ranges(of: replaced).count == 1)
      let port = try lab.device("router")?["port"] as? Int
      let carrier = try #require(try lab.carrier("router"))

      let asked = try lab.ask("rekey", "router")
      #expect(asked.status == 0, "\(asked)")
      try eventually("the key is replaced again, and it is back\n\(agent.error)", within: 60) {
        try agent.error.ranges(of: replaced).count == 2 && lab.state("router") == "online"
          && lab.carrier("router") != carrier
      }
      #expect(try lab.device("router")?["port"] as? Int == port)
      #expect(try lab.fleetSucceeds("ssh", "router", "echo new key") == "new key\n")
      let old = try lab.run(
        lab.box,
        [
          "ssh", "-F", "none", "-i", stolen.path, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
          "UserKnownHostsFile=\(folder.path)/known_hosts", "-o", "HostKeyAlias=\(lab.hostAddress)", "-p",
          "\(lab.ports.hostA)", "\(lab.hostA.name)@\(lab.hostAddress)", "claim",
        ])
      #expect(old.status == 255 && old.error.contains("Permission denied"), "\(old)")

      // A new start finds the new key.
      agent.stop()
      let next = try lab.startShellAgent(kind, path: path, folder: folder)
      try lab.online("router", agent: next)
    }
  }

  @Test(arguments: [ShellBox.Client.ssh, .dbclient]) func withNothingToMakeAKeyTheKeyStays(_ client: ShellBox.Client)
    throws
  {
    try Lab.with { lab in
      let folder = try lab.prepareRouter()
      let kind = ShellBox(shell: .ash, client: client, makesKeys: false)
      let agent = try lab.startShellAgent(kind, path: try kind.makePath(lab), folder: folder)
      try lab.online("router", agent: agent)
      let carrier = try lab.carrier("router")
      #expect(try lab.ask("rekey", "router").status == 0)
      try eventually("it says so\n\(agent.error)") { agent.error.contains("the key stays") }
      try eventually("it is back\n\(agent.error)") {
        try lab.state("router") == "online" && lab.carrier("router") != carrier
      }
    }
  }

  /// Killed when both keys are on the disk: before HostA heard the second step, and after it did.
  @Test(arguments: ShellBox.all) func aReplacementThatIsCutOffIsFinishedByTheNextStart(_ kind: ShellBox) throws {
    try Lab.with { lab in
      let folder = try lab.prepareRouter()
      let path = try kind.makePath(lab)
      let key = folder.appending(path: kind.client == .ssh ? "id_ed25519" : "id_dropbear")
      let next = key.appendingPathExtension("next")
      let cut = ClientThatHangs(lab: lab, client: "\(path)/\(kind.client.rawValue)")
      for moment in ClientThatHangs.Moment.allCases {
        #expect(try lab.ask("rekey", "router").status == 0)
        let old = try Data(contentsOf: key)
        try cut.hang(moment)
        let killed = try lab.startShellAgent(kind, path: path, folder: folder)
        try eventually("it is at the second step, \(moment)\n\(killed.error)") { cut.hangs }
        kill(-killed.pid, SIGKILL)
        _ = killed.wait(5)
        #expect(try Data(contentsOf: key) == old && FileManager.default.fileExists(atPath: next.path), "\(moment)")
        try cut.mend()

        let agent = try lab.startShellAgent(kind, path: path, folder: folder)
        try eventually("the key is replaced, \(moment)\n\(agent.error)") {
          agent.error.contains("the device's key was replaced")
        }
        try lab.online("router", agent: agent)
        #expect(try Data(contentsOf: key) != old && !FileManager.default.fileExists(atPath: next.path), "\(moment)")
        #expect(try lab.fleetSucceeds("ssh", "router", "echo back") == "back\n")
        agent.stop()
      }
    }
  }

  @Test(arguments: ShellBox.all) func aHostAThatIsAwayAtTheStartIsWaitedFor(_ kind: ShellBox) throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let folder = try lab.provisionShellBundle("router")
      server.stop()
      let agent = try lab.startShellAgent(kind, path: try kind.makePath(lab), folder: folder)
      try eventually("it finds nobody\n\(agent.error)") { agent.error.contains("the tunnel is down: ") }
      try lab.runHostA()
      try lab.online("router", agent: agent)
      #expect(try lab.fleetSucceeds("ssh", "router", "echo at last") == "at last\n")
    }
  }

  /// Whatever it does when it is told to stop: a signal between a fork and the next command, to a shell that was just
  /// forked, or to one that opens a named pipe left a process behind.
  @Test(arguments: [ShellBox.all[0], .all[3]]) func aStopAtAnyMomentLeavesNothing(_ kind: ShellBox) throws {
    try Lab.with { lab in
      let folder = try lab.prepareRouter()
      let path = try kind.makePath(lab)
      let slowFork = try lab.preloaded("SlowFork/slow_fork.c", of: lab.box)
      func others() -> [String] {
        Lab.processes(of: [lab.box.uid ?? getuid()]).map(\.1).filter { $0.contains(folder.path) }
      }
      // From when it claims its port until its tunnel is watched.
      for delay_ms in stride(from: 1900, to: 3400, by: 100) {
        let agent = try lab.startShellAgent(kind, path: path, folder: folder, preload: slowFork)
        usleep(useconds_t(delay_ms * 1000))
        kill(agent.pid, SIGTERM)
        #expect(agent.wait(10) != nil, "stopped after \(delay_ms) ms")
        try eventually("all has ended, stopped after \(delay_ms) ms: \(others())\n\(agent.error)", within: 10) {
          others().isEmpty
        }
      }
    }
  }

  /// Somebody else answers at HostA's address: nothing is said to them, with either client.
  @Test(arguments: ShellBox.all) func anotherHostKeyIsRefused(_ kind: ShellBox) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let folder = try lab.provisionShellBundle("router")
      try lab.succeed(
        lab.box,
        [
          "sh", "-ec",
          """
          ssh-keygen -q -t ed25519 -N '' -f ~/other
          printf '%s %s\\n' "$2" "$(cut -d ' ' -f 1,2 ~/other.pub)" >"$1/known_hosts"
          """, "sh", folder.path, lab.hostAddress,
        ])
      let agent = try lab.startShellAgent(kind, path: try kind.makePath(lab), folder: folder)
      try eventually("it refuses\n\(agent.error)") { agent.error.contains("ost key") }
      #expect(try lab.device("router")?["last_seen"] as? String == nil)
      #expect(agent.stop() == 0)
    }
  }

  /// A box's disk was copied after it had replaced its bundle's key: the first keeps the port, and people are told.
  @Test(.enabled(if: getuid() == 0, "a boot identity of its own needs root"), arguments: [ShellBox.all[0], .all[3]])
  func aDiskThatWasCopiedIsToldAsTwoBoxes(_ kind: ShellBox) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let path = try kind.makePath(lab)
      let first = try lab.provisionShellBundle("router")
      let agent = try lab.startShellAgent(kind, path: path, folder: first)
      try lab.online("router", agent: agent)
      try eventually("the bundle's key is replaced\n\(agent.error)") {
        agent.error.contains("the device's key was replaced")
      }
      try lab.online("router", agent: agent)
      let second = lab.box.home.appending(path: "copy")
      try lab.succeed(lab.box, ["cp", "-a", first.path, second.path])
      let bootID = try lab.write("11111111-2222-4333-8444-555555555555\n", to: "boot_id", of: lab.box, mode: 0o644)
      var copy = lab.box
      copy.bootIDFile = bootID
      let clone = try lab.startShellAgent(kind, path: path, folder: second, as: copy)
      try eventually("HostA sees two boxes\n\(agent.error)\n\(clone.error)", within: 90) {
        try lab.state("router") == "duplicate"
      }
      try eventually("the copy is told\n\(clone.error)\n\(agent.error)", within: 30) {
        (clone.error + agent.error).contains("another box uses this device's key")
      }
      #expect(try lab.fleetSucceeds("ssh", "router", "echo one answers") == "one answers\n")
    }
  }

  /// `attach` is for a connection that listens on the device's port: without the forward it is refused.
  @Test func attachWithoutTheForwardIsRefused() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let folder = try lab.provisionShellBundle("router")
      let claim = #"{"v":1,"agent_version":"1","boot_id":"b","keepalive_s":10,"facts":{},"host_keys":[]}"#
      let ssh = [
        "ssh", "-F", "none", "-i", folder.appending(path: "id_ed25519").path, "-o", "IdentitiesOnly=yes", "-o",
        "UserKnownHostsFile=\(folder.path)/known_hosts", "-o", "HostKeyAlias=\(lab.hostAddress)", "-p",
        "\(lab.ports.hostA)", "\(lab.hostA.name)@\(lab.hostAddress)",
      ]
      let bare = try lab.run(lab.box, ssh + ["attach"], input: claim + "\n")
      #expect(bare.status == 1 && bare.output.contains(#""code":"port-in-use""#), "\(bare)")
      #expect(try lab.state("router") == "offline")
      let empty = try lab.run(lab.box, ssh + ["attach"])
      #expect(empty.output.contains(#""code":"request-malformed""#), "\(empty)")

      // With it, the request lasts exactly as long as what it reads; a report that is none ends it.
      let port = lab.ports.leases.lowerBound
      let forward = ["-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:\(port):127.0.0.1:\(lab.ports.box(0))"]
      let whole = try lab.run(
        lab.box, ssh + forward + ["attach"], input: claim + "\n" + #"{"v":1,"sshd":"down"}"# + "\n")
      #expect(whole.status == 0 && whole.output.contains(#""ok":true"#) && whole.output.contains("\(port)"), "\(whole)")
      let wrong = try lab.run(lab.box, ssh + forward + ["attach"], input: claim + "\nnonsense\n")
      #expect(wrong.status == 2 && wrong.output.contains(#""code":"request-malformed""#), "\(wrong)")
    }
  }
}
