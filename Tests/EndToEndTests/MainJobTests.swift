import Foundation
import Testing

/// What a person does from nothing to a shell on the box, with the three programs and a real sshd on every machine.
@Suite(.serialized) struct MainJobTests {
  @Test func provisionListAndSSH() throws {
    try Lab.with { lab in
      let (server, agent, configuration) = try lab.startKitchenPi()

      let table = try lab.fleetSucceeds("list")
      #expect(table.split(separator: "\n")[0].split(separator: " ").first == "NAME")
      #expect(table.contains("kitchen-pi") && table.contains("online"))
      #expect(!table.contains("\u{1B}"), "colour without a terminal")

      let device = try #require(try lab.device("kitchen-pi"))
      #expect(device["port"] as? Int == lab.ports.leases.lowerBound)
      #expect(device["user"] as? String == lab.box.name)
      #expect(device["agent_version"] as? String == "0.1.0")
      #expect(device["last_seen"] is String && device["tags"] is [String: Any])
      #expect(try lab.fleetSucceeds("show", "kitchen-pi").contains("kitchen-pi"))

      // Output, input and status of the remote command come through unchanged.
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "uname", "-s") == "Linux\n")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "--", "cat", input: "a\0b\n") == "a\0b\n")
      #expect(try lab.fleet("ssh", "kitchen-pi", "exit 7").status == 7)
      #expect(try lab.fleet("ssh", "\(lab.box.name)@kitchen-pi", "exit 200").status == 200)
      #expect(try lab.fleetSucceeds("ssh", "-o", "LogLevel=ERROR", "-T", "kitchen-pi", "id -un") == lab.box.name + "\n")
      let noisy = try lab.fleet("ssh", "kitchen-pi", "echo out; echo err >&2")
      #expect(noisy.output == "out\n" && noisy.error.contains("err"))

      // The agent tells about itself, and a second one for the same device does not start.
      let status = try lab.succeed(lab.box, ["fleet-agent", "status", "--config", configuration.path])
      #expect(!status.isEmpty)
      let json = try lab.succeed(lab.box, ["fleet-agent", "status", "--json", "--config", configuration.path])
      #expect(try JSONSerialization.jsonObject(with: Data(json.utf8)) is [String: Any])
      let second = try lab.run(lab.box, ["fleet-agent", "run", "--config", configuration.path], within: 20)
      #expect(second.status == 1 && second.error.contains("already"))

      // SIGTERM ends the agent cleanly, and HostA notices at once.
      #expect(agent.stop() == 0)
      try eventually("kitchen-pi is offline", within: 10) { try lab.state("kitchen-pi") == "offline" }
      #expect(try lab.run(lab.box, ["fleet-agent", "status", "--config", configuration.path]).status == 1)
      #expect(!(try lab.fleetSucceeds("list")).contains("kitchen-pi"))
      #expect(try lab.fleetSucceeds("list", "--all").contains("kitchen-pi"))
      #expect(try lab.device("kitchen-pi")?["last_seen"] is String)

      #expect(server.stop() == 0)
    }
  }

  @Test func sshToADeviceThatCannotBeReachedSaysWhyInOneLine() throws {
    try Lab.with { lab in
      let (server, agent, _) = try lab.startKitchenPi()
      agent.stop()
      try eventually("kitchen-pi is offline", within: 10) { try lab.state("kitchen-pi") == "offline" }

      let offline = try lab.fleet("ssh", "kitchen-pi", "true")
      #expect(offline.status == 4)
      #expect(offline.error.split(separator: "\n")[0].contains("offline since 20"), "\(offline)")

      let unknown = try lab.fleet("ssh", "kitchen-pie", "true")
      #expect(unknown.status == 3)
      #expect(unknown.error.contains("kitchen-pi"), "the nearest name is offered: \(unknown)")
      #expect(try lab.fleet("show", "nobody-has-this-name").status == 3)

      server.stop()
      let away = try lab.fleet("ssh", "kitchen-pi", "true")
      #expect(away.status == 6, "\(away)")
      #expect(try lab.fleet("list").status == 6)
    }
  }

  /// A session in use while it is cut: the laptop gets 255, as ssh has it, and nothing hangs.
  @Test func aSessionEndsWithItsTunnel() throws {
    try Lab.with { lab in
      let (_, agent, _) = try lab.startKitchenPi()
      let session = try lab.start(lab.laptop, ["fleet", "ssh", "-tt", "kitchen-pi", "echo begun; sleep 600"])
      try eventually("the session has begun", within: 15) { session.output.contains("begun") }
      agent.stop(SIGKILL)
      #expect(session.wait(30) == 255)
    }
  }

  /// The agent's supervisor restarts it: the new one must have the port although the old connection was never closed.
  @Test func anAgentThatWasKilledComesBackOnItsPort() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let port = try lab.device("kitchen-pi")?["port"] as? Int
      agent.stop(SIGKILL)
      try lab.startAgent("kitchen-pi", configuration: configuration)
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == port)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
    }
  }

  /// Programs of ours may all be away: tunnels stand on sshd and the key file alone.
  @Test func tunnelsOutliveTheSupervisorAndTheNextOneTakesOver() throws {
    try Lab.with { lab in
      let (server, _, _) = try lab.startKitchenPi()
      server.stop(SIGKILL)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo still here") == "still here\n")
      let next = try lab.runHostA()
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo still here") == "still here\n")
      #expect(next.stop() == 0)
    }
  }

  @Test func severalDevicesAndManySessionsAtOnce() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      for n in 0..<3 {
        try lab.startBoxSSHD(n)
        let configuration = try lab.provisionBundle("box-\(n)", box: n)
        try lab.startAgent("box-\(n)", configuration: configuration)
      }
      let ports = try (0..<3).map { try #require(try lab.device("box-\($0)")?["port"] as? Int) }
      #expect(ports == (0..<3).map { lab.ports.leases.lowerBound + $0 })
      // 18 sessions at once, each with content of its own that must come back on its own session.
      let output = try lab.succeed(
        lab.laptop,
        [
          "sh", "-c",
          """
          for i in 1 2 3 4 5 6; do for n in 0 1 2; do
            ( x=$(head -c 200000 /dev/urandom | base64 -w0)
              y=$(printf %s "$x" | fleet ssh box-$n cat)
              [ "$x" = "$y" ] && echo same ) &
          done; done; wait
          """,
        ], within: 120)
      #expect(output.split(separator: "\n").count == 18)
    }
  }
}
