import Foundation
import Testing

/// The registry is damaged while everything runs: tunnels and reconnects go on, changes are refused, a restore mends it.
@Suite(.serialized) struct DamagedRegistryTests {
  /// Writes over bytes of a file where it is, as a disk does, and over the same bytes each time.
  private func damage(_ file: URL, from start: UInt64) throws {
    let handle = try FileHandle(forUpdating: file)
    defer { try? handle.close() }
    let end = try handle.seekToEnd()
    for place in stride(from: start, to: end, by: 512) {
      try handle.seek(toOffset: place)
      try handle.write(contentsOf: Data([0x5A, 0xA5]))
    }
  }

  @Test func tunnelsAndReconnectsGoOnAndARestoreMendsIt() throws {
    try Lab.with { lab in
      let (server, agent, configuration) = try lab.startKitchenPi()
      let device = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      let backup = lab.hostA.home.appending(path: "hosta.backup").path
      try lab.succeed(lab.hostA, ["fleet-server", "backup", backup])
      // After the backup: one device more.
      let attic = try lab.boxKey("attic")
      let port = try #require(
        try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(attic.key)).fields["port"] as? Int)
      #expect(try attic.holder.claim().isOK)

      let registry = lab.serverHome.appending(path: "registry.db")
      let keyFile = lab.serverHome.appending(path: "authorized_keys")
      let keys = try Data(contentsOf: keyFile)
      let whole = try Data(contentsOf: registry)
      // Behind its first page, in all of it, and no more of it than a page and a half; the log beside it each time.
      let damages: [(URL) throws -> Void] = [
        { try damage($0, from: 4096 + 300) }, { try damage($0, from: 0) }, { truncate($0.path, 6000) },
      ]
      for (number, damage) in damages.enumerated() {
        let handle = try FileHandle(forWritingTo: registry)
        try handle.write(contentsOf: whole)
        try handle.close()
        try damage(registry)
        try self.damage(lab.serverHome.appending(path: "registry.db-wal"), from: 32 + 24 + 100)
        for (request, body) in [
          ("list", ""), ("provision hall-pi", lab.provisionBody(try lab.boxKey("hall-\(number)").key)),
          ("remove kitchen-pi", ""), ("connect kitchen-pi", ""),
        ] {
          let answer = try lab.anna.ask(request, body: body)
          #expect(answer.code == "registry-damaged", "\(number) \(request): \(answer)")
          #expect((answer.fields["hint"] as? String)?.contains("fleet-server restore") == true, "\(answer)")
        }
        #expect(try Data(contentsOf: keyFile) == keys, "\(number)")
        #expect(try attic.holder.claim().isOK, "\(number)")
      }
      // The tunnel that is up stays up, and one that is gone comes back.
      #expect(agent.wait(0) == nil)
      #expect(try lab.agentStatus(configuration).status == 0)
      agent.stop()
      let second = try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
      try eventually("the agent calls its tunnel up\n\(second.error)", within: 60) {
        try lab.agentStatus(configuration).status == 0
      }
      try eventually("run says it\n\(server.error)") { server.error.contains("the registry is damaged") }

      let said = try lab.succeed(lab.hostA, ["fleet-server", "restore", backup])
      #expect(said.contains("recovered-\(port) is new since the backup"), "\(said)")
      #expect(server.wait(0) == nil)
      try lab.online("kitchen-pi", agent: second, within: 60)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
      #expect(try lab.device("kitchen-pi")?["id"] as? String == device)
      #expect(try lab.device("recovered-\(port)")?["port"] as? Int == port)
      #expect(try attic.holder.claim().isOK)
      // `run` writes to the restored registry that the device is there, and then that it went.
      for (state, condition) in [("there", "online"), ("away", "NOT online")] {
        if state == "away" { second.stop() }
        try eventually("run has recorded that the device is \(state)\n\(server.error)", within: 60) {
          try !lab.registryRows("SELECT 1 FROM presence WHERE device = '\(device)' AND \(condition)").isEmpty
        }
      }
    }
  }
}
