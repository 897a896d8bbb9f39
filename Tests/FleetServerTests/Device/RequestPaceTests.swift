import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct RequestPaceTests {
  @Test(arguments: [(nil, false), (0, true), (999, true), (1000, false), (-1, false), (86_400_000, false)])
  func onlyWhatFollowsAtOnceIsTooSoon(_ age_ms: Int64?, _ isTooSoon: Bool) {
    #expect(RequestPace.isTooSoon(age_ms: age_ms) == isTooSoon)
  }

  @Test func aDeviceNamesAFewKeysAndNoMore() throws {
    var named = NamedKeys()
    for number in 0..<NamedKeys.limit { #expect(named.name(try sampleKey(number), now_s: 1000)) }
    #expect(!named.name(try sampleKey(100), now_s: 1001), "one too many")
    #expect(named.name(try sampleKey(NamedKeys.limit - 1), now_s: 1001), "the same again is none")
    #expect(!named.name(try sampleKey(100), now_s: 1599))
    #expect(named.name(try sampleKey(100), now_s: 1600))
    #expect(named.name(try sampleKey(101), now_s: 10), "the clock was set back")
    #expect(try NamedKeys(parsing: Array(named.text.utf8)) == named)
  }
}
