import Testing

@testable import FleetServer

@Suite struct JoinIntervalTests {
  @Test func itGrowsWithTheTimeThatABoxHasWaited() {
    let waits: [Int64] = [-5, 0, 299, 300, 600, 3000, 1_000_000, .max]
    #expect(waits.map { JoinInterval.seconds(waited_s: $0) } == [30, 30, 30, 30, 60, 300, 300, 300])
  }
}
