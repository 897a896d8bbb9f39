import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct OutageHistoryTests {
  /// From the earliest: `true` came, `false` went.
  private func outages(_ story: [(Bool, Int64)], limit: Int = 10) -> [[Int64?]] {
    let transitions = story.reversed().map {
      PresenceTransition(device: DeviceID(random: 1), isOnline: $0.0, at_s: $0.1)
    }
    return OutageHistory.outages(transitions, limit: limit).map { [$0.from.seconds, $0.to?.seconds] }
  }

  @Test func fromWhereItWentToWhereItCame() {
    #expect(outages([]).isEmpty)
    #expect(outages([(true, 5)]).isEmpty, "its first coming ends no outage")
    #expect(outages([(true, 5), (false, 9)]) == [[9, nil]])
    #expect(outages([(true, 5), (false, 9), (true, 20), (false, 30), (true, 31)]) == [[30, 31], [9, 20]])
  }

  @Test func endsInARowAreOneOutage() {
    #expect(outages([(true, 1), (false, 9), (false, 12), (true, 20)]) == [[9, 20]])
  }

  @Test func aClockThatWentBackMakesNoNegativeLength() {
    #expect(outages([(true, 1), (false, 9), (true, 4)]) == [[9, 9]])
  }

  @Test func theLastOnes() {
    let story = (0..<20).flatMap { [(false, Int64($0) * 10), (true, Int64($0) * 10 + 5)] }
    #expect(outages(story, limit: 2) == [[190, 195], [180, 185]])
  }
}
