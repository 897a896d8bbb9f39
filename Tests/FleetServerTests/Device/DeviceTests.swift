import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ReconnectWindowTests {
  @Test(arguments: [
    (0, 2, 5), (1, 1, 5), (200, 2, 5), (1000, 2, 25), (10_000, 2, 246), (10_000, 1, 492), (100_000, 1, 900), (5, 0, 5),
  ])
  func itGrowsWithTheFleet(_ devices: Int, _ cores: Int, _ seconds: Int) {
    #expect(ReconnectWindow.seconds(devices: devices, cores: cores) == seconds)
  }
}

@Suite struct SessionRecordTests {
  private func record(facts: [String: String] = ["os": "Debian"]) throws -> SessionRecord {
    SessionRecord(
      sshd: ProcessIdentity(pid: 1, startTime: 2, bootID: "boot"),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: 99,
      claim: ClaimBody(
        agentVersion: "0.1.0", bootID: "device-boot", keepalive_s: 10, facts: facts, hostKeys: [try sampleKey(1)]),
      deviceSSHD: .down)
  }

  @Test func itSurvivesItsFile() throws {
    let record = try record()
    #expect(try SessionRecord(parsing: Array(record.text.utf8)) == record)
  }

  @Test func theLargestClaimThatIsAcceptedStillFits() throws {
    var facts: [String: String] = [:]
    for number in 0..<Limits.facts { facts["fact\(number)"] = String(repeating: "\u{7F}", count: Limits.text) }
    let record = try record(facts: facts)
    #expect(try SessionRecord(parsing: Array(record.text.utf8)) == record)
  }

  @Test func factsWithUnplainNamesAreDropped() throws {
    let claim = try record(facts: [
      "os": "a", "": "b", "A": "c", "x\u{202E}": "d", String(repeating: "a", count: 64): "e",
    ]).claim
    #expect(claim.withPlainFacts.facts == ["os": "a"])
  }

  @Test(arguments: ["", "{}", "[]", "{\"v\":1}", "{\"v\":1,\"sshd\":{\"pid\":-1}}"]) func nonsense(_ text: String) {
    #expect(throws: JSONError.self) { try SessionRecord(parsing: Array(text.utf8)) }
  }
}
