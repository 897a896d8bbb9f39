import Glibc
import Testing

@testable import FleetServer

@Suite struct ProcessStatTests {
  private let tail = " S 17 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 18446744073709551615"

  @Test func aNameThatBeginsWithAnAccentHidesNoProcess() throws {
    let stat = try #require(
      ProcessStat(parsing: "4242 (\u{301}) S 7 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 99 5\n".utf8))
    #expect(stat.pid == 4242 && stat.command == "\u{301}" && stat.parent == 7 && stat.startTime == 99)
  }

  @Test func aPlainLine() throws {
    let stat = try #require(ProcessStat(parsing: "4242 (sshd)\(tail)\n".utf8))
    #expect(stat == ProcessStat(parsing: "4242 (sshd)\(tail)".utf8))
    #expect(stat.pid == 4242 && stat.command == "sshd" && stat.state == "S" && stat.parent == 17)
    #expect(stat.startTime == 987654)
    #expect(stat.isSSHD)
  }

  @Test(arguments: ["a b", "a) S 1 2 (b", ")", "((", "", "sshd) R 1"])
  func anyNameThatAProgramGivesItself(_ name: String) throws {
    let stat = try #require(ProcessStat(parsing: "7 (\(name))\(tail)".utf8))
    #expect(stat.command == name && stat.parent == 17 && stat.startTime == 987654)
    #expect(!stat.isSSHD)
  }

  @Test(arguments: ["", "1", "1 (x", "x (y) S 1", "1 (y) S 1 2 3", ")("]) func anythingElse(_ line: String) {
    #expect(ProcessStat(parsing: line.utf8) == nil)
  }

  @Test func thisProcess() throws {
    let own = try #require(ProcessTable.process(getpid()))
    #expect(own.stat.pid == getpid() && own.stat.parent == getppid() && own.uid == geteuid())
    #expect(ProcessTable.ownAncestors().first?.pid == getppid())
  }
}
