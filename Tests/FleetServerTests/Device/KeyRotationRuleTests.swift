import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct KeyRotationRuleTests {
  private func step(_ standing: DeviceKeyStanding, asks asked: Int, current: Int, next: Int?) throws
    -> KeyRotationRule.Step
  {
    KeyRotationRule.step(
      standing: standing, asked: try sampleKey(asked), current: try sampleKey(current),
      next: try next.map { try sampleKey($0) })
  }

  @Test(arguments: [DeviceKeyStanding.current, .replace])
  func thePresentKeyLetsAnotherInAndPromotesNone(_ standing: DeviceKeyStanding) throws {
    #expect(try step(standing, asks: 2, current: 1, next: nil) == .admit)
    #expect(try step(standing, asks: 2, current: 1, next: 2) == .stay, "asked again")
    #expect(try step(standing, asks: 3, current: 1, next: 2) == .admit, "the disk lost the second key")
    #expect(try step(standing, asks: 2, current: 2, next: nil) == .done, "the answer was lost")
  }

  @Test func theNextKeySpeaksForItselfAlone() throws {
    #expect(try step(.next, asks: 2, current: 1, next: 2) == .promote)
    #expect(try step(.next, asks: 2, current: 2, next: nil) == .done)
    #expect(try step(.next, asks: 3, current: 1, next: 2) == .refuse)
    #expect(try step(.next, asks: 2, current: 1, next: 3) == .refuse, "another box with the old key was quicker")
    #expect(try step(.next, asks: 2, current: 1, next: nil) == .refuse)
  }
}

@Suite struct KeyCutoffTests {
  private func sshd(_ startTime: UInt64, pid: Int32 = 9, boot: String = "b") -> ProcessIdentity {
    ProcessIdentity(pid: pid, startTime: startTime, bootID: boot)
  }

  @Test func whatIsOlderIsCut() {
    let cutoff = KeyCutoff(bootID: "b", ticks: 100)
    #expect(cutoff.cuts(sshd(99)) && cutoff.cuts(sshd(100)))
    #expect(!cutoff.cuts(sshd(101)) && !cutoff.cuts(sshd(99, boot: "c")))
  }

  @Test func butNotTheOneThatBroughtTheKey() {
    let cutoff = KeyCutoff(bootID: "b", ticks: 100, exempt: sshd(90))
    #expect(!cutoff.cuts(sshd(90)) && cutoff.cuts(sshd(90, pid: 8)))
  }

  @Test func itSurvivesItsFile() throws {
    for exempt in [nil, sshd(90)] {
      let cutoff = KeyCutoff(bootID: "b", ticks: 100, exempt: exempt)
      #expect(try KeyCutoff(parsing: Array(cutoff.text.utf8)) == cutoff)
    }
    #expect(throws: JSONError.self) { try KeyCutoff(parsing: Array("{\"v\":1}".utf8)) }
  }

  @Test func theClockIsThatOfTheProcessTable() throws {
    let before = ProcessTable.ticks()
    let process = try SpawnedProcess("sleep", ["60"], environment: ["PATH": "/usr/bin:/bin"], input: "")
    let startTime = try #require(ProcessTable.process(process.pid)).stat.startTime
    #expect((before...ProcessTable.ticks()).contains(startTime))
  }
}
