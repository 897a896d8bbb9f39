import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// What a claim ends, and what it never does, on processes of this machine.
@Suite struct TakeoverTests {
  private let folder: TemporaryFolder
  private let port: TCPPort

  init() throws {
    folder = try TemporaryFolder()
    port = try LoopbackPair().connection.localPort
  }

  /// A program that sleeps under this name, as another user where one is given.
  private func sleeper(named name: String, uid: Int? = nil, ignoringSIGTERM: Bool = false) throws
    -> SpawnedProcess
  {
    let program = folder.path + "/" + name
    chmod(folder.path, 0o755)
    try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
    chmod(program, 0o755)
    // What is ignored stays so through exec.
    let shell = ignoringSIGTERM ? ["sh", "-c", "trap '' TERM; exec \"$@\"", "sh"] : []
    let line = shell + (uid.map { ["setpriv", "--reuid", "\($0)", "--clear-groups"] } ?? []) + [program, "300"]
    let process = try SpawnedProcess(
      line[0], Array(line.dropFirst()), environment: ["PATH": "/usr/bin:/bin"], input: "")
    try eventually("\(name) does not start") { ProcessTable.process(process.pid)?.stat.command == name }
    return process
  }

  private func record(
    _ process: SpawnedProcess, startTime: UInt64? = nil, bootID: String = ProcessTable.bootID()
  ) throws -> SessionRecord {
    let found = try #require(ProcessTable.process(process.pid))
    return SessionRecord(
      sshd: ProcessIdentity(pid: process.pid, startTime: startTime ?? found.stat.startTime, bootID: bootID),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: 1,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []))
  }

  private func free(_ record: SessionRecord, ownAncestors: [Int32] = [getpid()]) throws -> Bool {
    try Takeover.make(port, .free, of: record, ownAncestors: ownAncestors)
  }

  @Test(arguments: ["sshd", "sshd-session"]) func theRecordedSSHDIsEnded(_ name: String) throws {
    let sshd = try sleeper(named: name)
    #expect(try free(record(sshd)))
    #expect(sshd.result().status == 128 + SIGTERM)
  }

  @Test func oneThatDoesNotListenToSIGTERMIsEndedToo() throws {
    let sshd = try sleeper(named: "sshd", ignoringSIGTERM: true)
    #expect(try free(record(sshd)))
    #expect(sshd.result().status == 128 + SIGKILL)
  }

  @Test func aLaterProcessOfTheSamePidLives() throws {
    let sshd = try sleeper(named: "sshd")
    let startTime = try #require(ProcessTable.process(sshd.pid)).stat.startTime
    #expect(try !free(record(sshd, startTime: startTime - 1)))
    #expect(sshd.isRunning)
  }

  @Test func aProcessAfterARebootLives() throws {
    let sshd = try sleeper(named: "sshd")
    #expect(try !free(record(sshd, bootID: "11111111-2222-3333-4444-555555555555")))
    #expect(sshd.isRunning)
  }

  @Test func aProcessOfAnotherNameLives() throws {
    let other = try sleeper(named: "sshd-other")
    #expect(try !free(record(other)))
    #expect(other.isRunning)
  }

  @Test func theConnectionThatAsksLives() throws {
    let sshd = try sleeper(named: "sshd")
    #expect(try !free(record(sshd), ownAncestors: [getpid(), sshd.pid]))
    #expect(sshd.isRunning)
  }

  @Test(.enabled(if: getuid() == 0, "a process of another account needs root"))
  func aProcessOfAnotherAccountLives() throws {
    let sshd = try sleeper(named: "sshd", uid: 65_534)
    #expect(try !free(record(sshd)))
    #expect(sshd.isRunning)
  }
}
