import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

@Suite struct SessionSweepRuleTests {
  private func step(_ cutoff: KeyCutoff?, now_s: UInt64, oldest_s: UInt64? = nil) -> SessionSweepRule.Step {
    SessionSweepRule.step(
      cutoff, bootID: "b", now_ticks: now_s * 100, ticksPerSecond: 100,
      oldestConnection_ticks: oldest_s.map { $0 * 100 })
  }

  @Test func whatIsNotShutOutIsFirst() { #expect(step(nil, now_s: 9999) == .shutOut) }

  @Test func nothingOfAnEarlierBootIsLeft() {
    #expect(step(KeyCutoff(bootID: "a", ticks: 100_000), now_s: 1, oldest_s: 0) == .forget)
  }

  @Test func aConnectionThatMayBeTheDevicesIsWaitedFor() {
    let cutoff = KeyCutoff(bootID: "b", ticks: 1000 * 100)
    #expect(step(cutoff, now_s: 1599) == .wait, "a login may have begun before")
    #expect(step(cutoff, now_s: 1600) == .forget)
    #expect(step(cutoff, now_s: 1600, oldest_s: 1000) == .wait)
    #expect(step(cutoff, now_s: 1600, oldest_s: 1001) == .forget)
  }
}

@Suite struct SessionSweepTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let device = DeviceID(random: 1)

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
  }

  private func files() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: home.sessions))
  }

  /// Whoever removed the device was killed between the key file and the end of its connection.
  @Test func theConnectionOfARemovedDeviceIsEnded() throws {
    let program = folder.path + "/sshd"
    try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
    let sshd = try SpawnedProcess(program, ["300"], environment: [:], input: "")
    try eventually("it does not start") { ProcessTable.process(sshd.pid)?.stat.command == "sshd" }
    let found = try #require(ProcessTable.process(sshd.pid)).stat
    let identity = ProcessIdentity(pid: found.pid, startTime: found.startTime, bootID: ProcessTable.bootID())
    let record = SessionRecord(
      sshd: identity, connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: 1,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []))
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      try SessionFile.write(record, device: device, home: home)
    }
    #expect(SessionFile.devices(home: home) == [device])
    try SessionSweep.run([device], known: [], home: home)
    #expect(sshd.result().status == 128 + SIGTERM)
    #expect(throws: Refusal.self) { try SessionEnd.requireNotShutOut(identity, device, home: home) }
    #expect(try files() == ["\(device).cutoff", "\(device).lock"])
  }

  @Test func whatIsLeftOfAnEarlierBootGoes() throws {
    let cutoff = KeyCutoff(bootID: "an earlier one", ticks: 1)
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      try BootFile(home.keyCutoff(of: device), home: home).write(cutoff.text)
    }
    try SessionSweep.run([device], known: [], home: home)
    #expect(try files().isEmpty)
  }
}
