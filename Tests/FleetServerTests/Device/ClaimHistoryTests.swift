import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ClaimHistoryTests {
  private var history = ClaimHistory()

  /// Claims one boot identity after another, `step_s` apart; which of them were granted.
  private mutating func claim(_ boots: String, step_s: Int64 = 10, from: Int64 = 1000, isHolderHere: Bool = true)
    -> [Bool]
  {
    boots.enumerated().map { offset, boot in
      history.claim(
        bootID: String(boot), address: "192.0.2.\(boot.asciiValue ?? 0)", now_s: from + Int64(offset) * step_s,
        isHolderHere: isHolderHere)
    }
  }

  private func isDisputed(_ now_s: Int64) -> Bool { history.dispute(now_s: now_s) != nil }

  @Test mutating func moreThanThreeAlternationsWithinTenMinutes() throws {
    #expect(claim("ABAB") == [true, true, true, true])
    #expect(!isDisputed(1030), "three alternations are none too many")
    #expect(claim("A", from: 1040) == [true], "the box that was first gets the port back")
    let dispute = try #require(history.dispute(now_s: 1040))
    #expect(dispute.holder.bootID == "A" && dispute.holder.address == "192.0.2.65")
    #expect(dispute.other.bootID == "B" && dispute.other.address == "192.0.2.66")
    #expect(claim("BBA", from: 1050) == [false, false, true])
  }

  @Test mutating func theBoxThatWasFirstIsRemembered() {
    #expect(claim("XABXAB").allSatisfy { $0 })
    #expect(claim("A", from: 1060) == [true])
    history = ClaimHistory()
    // A was there for months.
    #expect(claim("A", from: 1) == [true])
    #expect(claim("BABA", from: 9_000_000) == [true, true, true, true])
    #expect(history.dispute(now_s: 9_000_030)?.holder.bootID == "A")
  }

  @Test mutating func whoClaimsTwiceInARowAlternatesOnce() {
    #expect(claim("AAABBBAAABBB").allSatisfy { $0 })
    #expect(!isDisputed(1110))
    #expect(claim("AB", from: 1120) == [true, false])
  }

  @Test mutating func slowAlternationsAreNone() {
    #expect(claim("ABABABABABAB", step_s: 200).allSatisfy { $0 }, "someone carries a card to and fro")
    #expect(!isDisputed(1000 + 11 * 200))
  }

  /// One box: whatever happens to it, no boot that was replaced comes back.
  @Test(
    arguments: [
      ("AAAAAAAAAAAAAAAAAAAAAAAA", 1), ("AB", 1), ("AAABBB", 2), ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 60),
      ("AABBCCDDEEFFGGHHIIJJ", 3), ("AAAAAAAAAABBBBBBBBBBBB", 20),
    ] as [(String, Int64)])
  mutating func oneBoxNeverLooksLikeTwo(_ boots: String, step_s: Int64) {
    #expect(claim(boots, step_s: step_s).allSatisfy { $0 })
    #expect(!isDisputed(1000 + Int64(boots.count) * step_s))
    #expect(history.claimants.count <= ClaimHistory.claimantLimit)
  }

  @Test mutating func threeBoxesAreToldToo() {
    #expect(claim("ABCABC").allSatisfy { $0 })
    #expect(claim("ABC", from: 1060) != [true, true, true])
    #expect(isDisputed(1080))
  }

  @Test mutating func itEndsTenMinutesAfterTheOtherBoxWasHeard() {
    _ = claim("ABABAB")
    #expect(isDisputed(1650) && !isDisputed(1651))
    #expect(claim("B", from: 1640) == [false])
    #expect(isDisputed(2240) && !isDisputed(2241))
    #expect(claim("CBA", from: 2241) == [true, true, true], "it must begin anew")
    #expect(!isDisputed(2270))
  }

  @Test mutating func whenTheHolderIsGoneTheNextOneGetsThePort() throws {
    _ = claim("ABABAB")
    #expect(claim("B", from: 1100, isHolderHere: false) == [true])
    let swapped = try #require(history.dispute(now_s: 1100))
    #expect(swapped.holder.bootID == "B" && swapped.other.bootID == "A")
    #expect(claim("A", from: 1110) == [false])
    // The holder reboots.
    #expect(claim("C", from: 1120, isHolderHere: false) == [true])
    let rebooted = try #require(history.dispute(now_s: 1120))
    #expect(rebooted.holder.bootID == "C" && rebooted.other.bootID == "A")
  }

  /// What was written fifty years ahead says nothing when the clock is right again.
  @Test mutating func aClockThatIsSetBackEndsWhatItSaid() {
    let ahead: Int64 = 50 * 31_557_600
    _ = claim("ABABAB", from: ahead)
    #expect(isDisputed(ahead + 60) && !isDisputed(2000))
    #expect(claim("BA", from: 2000) == [true, true])
    _ = claim("CDC", from: ahead)
    #expect(claim("D", from: 2100) == [true])
    #expect(!isDisputed(2100))
  }

  private func reread() throws -> ClaimHistory {
    try JSONReader.read(Array(JSON.object(history.object).text.utf8), limit: Limits.line) {
      (reader) throws(JSONError) in try ClaimHistory(&reader)
    }
  }

  @Test mutating func itSurvivesItsFile() throws {
    #expect(try reread() == history)
    _ = claim("AB")
    #expect(try reread() == history)
    _ = claim("ABAB", from: 1020)
    #expect(isDisputed(1050))
    #expect(try reread() == history)
  }
}
