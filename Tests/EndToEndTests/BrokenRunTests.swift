import Foundation
import GRDB
import Testing

/// `fleet-server run` is gone, stands still, or can open and start nothing.
@Suite(.serialized) struct BrokenRunTests {
  @Test func aRunThatIsStoppedOrKilledKeepsNoDeviceOut() throws {
    try Lab.with { lab in
      let (server, agent, configuration) = try lab.startKitchenPi()
      kill(server.pid, SIGSTOP)
      defer { kill(server.pid, SIGCONT) }
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.changesWork()
      let holder = try lab.portHolder(lab.ports.leases.lowerBound)
      #expect(server.stop(SIGKILL) == 128 + SIGKILL)
      #expect(try lab.portHolder(lab.ports.leases.lowerBound) == holder && lab.state("kitchen-pi") == "online")
      // A new agent waits for nothing that was before.
      #expect(agent.stop() == 0)
      try lab.startAgent("kitchen-pi", configuration: configuration)
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.changesWork()

      // The next one takes over from sshd's listener, and the tunnel stays.
      let before = try lab.portHolder(lab.ports.leases.lowerBound)
      let next = try lab.runHostA()
      #expect(try lab.portHolder(lab.ports.leases.lowerBound) == before && lab.state("kitchen-pi") == "online")
      #expect(next.wait(0) == nil)
    }
  }

  /// For as long as nothing can be opened nobody comes in; what is up stays, and afterwards all is as before.
  @Test func aLimitOfOpenFilesEndsNothing() throws {
    try Lab.with { lab in
      let (server, agent, configuration) = try lab.startKitchenPi()
      let id = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      let outages = try lab.presence(of: id)
      let run = server.pid
      try lab.limitOpenFiles(of: run, to: 3)
      try eventually("run says so\n\(server.error)") { server.error.contains("too many open files") }
      // Longer than from one look of the watch to the next.
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      #expect(server.wait(0) == nil)
      #expect(try lab.presence(of: id) == outages, "who cannot look calls nobody offline")
      try lab.limitOpenFiles(of: run, to: 1024)

      let listener = try lab.listener()
      let holder = try lab.portHolder(lab.ports.leases.lowerBound)
      try lab.limitOpenFiles(of: listener, to: 3)
      #expect(try lab.anna.run([], command: ["version"]).status == 255)
      #expect(try lab.portHolder(lab.ports.leases.lowerBound) == holder, "the tunnel stays up")
      let carrier = try #require(holder)
      kill(carrier, SIGTERM)
      try eventually("the agent does not come in\n\(agent.error)") { try lab.agentStatus(configuration).status != 0 }
      try lab.limitOpenFiles(of: listener, to: 1024)
      try lab.isBack("kitchen-pi", after: carrier)
      #expect(try lab.listener() == listener && server.wait(0) == nil)
      try lab.changesWork()
    }
  }

  @Test(.enabled(if: getuid() == 0 && ProcessGroupLimit.place != nil, "no control group can be made here"))
  func aLimitOfProcessesEndsNothing() throws {
    try Lab.with { lab in
      let (server, _, configuration) = try lab.startKitchenPi()
      let limit = try ProcessGroupLimit()
      let listener = try lab.listener()
      let holder = try #require(try lab.portHolder(lab.ports.leases.lowerBound))
      for pid in [server.pid, listener, holder] { try limit.add(pid) }
      try limit.setLimit(0)
      #expect(try lab.anna.run([], command: ["version"]).status == 255)
      #expect(server.error.contains("fork"), "sshd says so: \(server.error)")
      #expect(try lab.portHolder(lab.ports.leases.lowerBound) == holder, "the tunnel stays up")
      kill(holder, SIGTERM)
      try eventually("the agent does not come in") { try lab.agentStatus(configuration).status != 0 }
      #expect(server.wait(0) == nil && kill(listener, 0) == 0)
      // Not even the listener can be started again now.
      kill(listener, SIGKILL)
      try eventually("run tries to start sshd\n\(server.error)") { server.error.contains("cannot be started") }
      #expect(server.wait(0) == nil)
      try limit.setLimit(nil)
      let begin = Date()
      try lab.isBack("kitchen-pi", after: holder)
      #expect(Date().timeIntervalSince(begin) < 60)
      try lab.comesBackTwice("kitchen-pi", configuration: configuration)
      try lab.changesWork()
      #expect(server.wait(0) == nil)
    }
  }
}

extension Lab {
  /// HostA's listening sshd, as `run` recorded it.
  fileprivate func listener() throws -> pid_t {
    let text = try succeed(hostA, ["cat", serverHome.appending(path: "run.json").path])
    let listener = try Self.object(text)["listener"] as? [String: Any]
    return pid_t(try #require(listener?["pid"] as? Int))
  }

  /// The limit is soft, so that it can be raised again.
  fileprivate func limitOpenFiles(of pid: pid_t, to limit: Int) throws {
    try succeed(hostA, ["prlimit", "--pid", "\(pid)", "--nofile=\(limit):"])
  }

  /// The transitions that the watch has recorded.
  fileprivate func presence(of device: String) throws -> [String] {
    try registryRows("SELECT id, online FROM presence WHERE device = '\(device)' ORDER BY id").map { "\($0)" }
  }
}
