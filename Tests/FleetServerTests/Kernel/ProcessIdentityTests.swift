import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ProcessIdentityTests {
  private let recorded = ProcessIdentity(pid: 10, startTime: 500, bootID: "boot")

  private func found(
    pid: Int32 = 10, command: String = "sshd", state: Character = "S", startTime: UInt64 = 500, uid: UInt32 = 1000
  ) throws -> FoundProcess {
    let line = "\(pid) (\(command)) \(state) 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 \(startTime) 0"
    return FoundProcess(stat: try #require(ProcessStat(parsing: line.utf8)), uid: uid)
  }

  private func mayBeEvicted(_ process: FoundProcess?, bootID: String = "boot", ancestors: [Int32] = [77]) -> Bool {
    recorded.mayBeEvicted(process, bootID: bootID, uid: 1000, ownAncestors: ancestors)
  }

  @Test func theRecordedSSHDIsEnded() throws {
    #expect(mayBeEvicted(try found()))
    #expect(mayBeEvicted(try found(command: "sshd-session")))
  }

  @Test func nothingElseIsEverSignalled() throws {
    #expect(!mayBeEvicted(nil))
    #expect(!mayBeEvicted(try found(startTime: 501)), "the pid belongs to a later process")
    #expect(!mayBeEvicted(try found(), bootID: "other"), "the machine has rebooted since")
    #expect(!mayBeEvicted(try found(uid: 1001)), "another account's")
    #expect(!mayBeEvicted(try found(command: "bash")))
    #expect(!mayBeEvicted(try found(command: "sshd-agent")))
    #expect(!mayBeEvicted(try found(state: "Z")), "dead already")
    #expect(!mayBeEvicted(try found(), ancestors: [77, 10]), "the connection that asks")
  }

  @Test func itSurvivesItsFile() throws {
    #expect(try ProcessIdentity(recorded.object) == recorded)
  }
}
