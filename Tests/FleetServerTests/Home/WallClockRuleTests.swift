import Testing

@testable import FleetServer

@Suite struct WallClockRuleTests {
  private let fiftyYears_s: Int64 = 50 * 31_557_600

  @Test func whatIsLongOverIsRatherAWrongClock() {
    #expect(!WallClockRule.isDue(1000, now_s: 999) && WallClockRule.isDue(1000, now_s: 1000))
    #expect(WallClockRule.isDue(1000, now_s: 1000 + WallClockRule.latest_s))
    #expect(!WallClockRule.isDue(1000, now_s: 1001 + WallClockRule.latest_s))
    #expect(!WallClockRule.isDue(2_592_000, now_s: fiftyYears_s))
  }

  @Test func aMomentIsShortAlsoWhenTheClockWasSetBack() {
    #expect(
      WallClockRule.isNear(1000, now_s: 1600, within_s: 600) && WallClockRule.isNear(1600, now_s: 1000, within_s: 600))
    #expect(!WallClockRule.isNear(1000, now_s: 1601, within_s: 600))
    #expect(!WallClockRule.isNear(fiftyYears_s, now_s: 1000, within_s: 600))
    #expect(!WallClockRule.isNear(.max, now_s: -2, within_s: 600))
  }

  @Test func nothingWasInTheFuture() {
    #expect(WallClockRule.past(5, now_s: 9) == 5 && WallClockRule.past(fiftyYears_s, now_s: 9) == 9)
  }

  @Test func aDeviceThatWaitsForItsFirstContactOutlivesAWrongClock() {
    #expect(ExpiryRule.step(expires_s: 1000, isSeen: false, now_s: 1000) == .remove)
    #expect(ExpiryRule.step(expires_s: 1000, isSeen: false, now_s: fiftyYears_s) == .wait)
    #expect(ExpiryRule.step(expires_s: 1000, isSeen: true, now_s: fiftyYears_s) == .keep)
  }
}
