import FleetProtocol
import Testing

@testable import FleetAgent

@Suite struct BackoffTests {
  @Test func beginsQuickThenUsesTheWindowThenGrowsToTheCap() {
    var random = SeededGenerator(seed: 1)
    var longest: [Duration] = []
    for attempt in 0..<12 {
      var most = Duration.zero
      for _ in 0..<300 {
        var backoff = Backoff()
        backoff.announced(window_s: 40)
        for _ in 0..<attempt { _ = backoff.delay(after: .answered, now: .now, using: &random) }
        most = max(most, backoff.delay(after: .answered, now: .now, using: &random))
      }
      longest.append(most)
    }
    #expect(longest[0] <= .seconds(5))
    #expect(longest[1] > .seconds(20) && longest[1] <= .seconds(40))
    #expect(longest[2] > .seconds(40) && longest[2] <= .seconds(80))
    #expect(longest[11] > .seconds(200) && longest[11] <= Backoff.cap)
  }

  @Test func keepsAWindowLongerThanTheCap() {
    var random = SeededGenerator(seed: 2)
    var backoff = Backoff()
    backoff.announced(window_s: 900)
    var most = Duration.zero
    for _ in 0..<300 { most = max(most, backoff.delay(after: .answered, now: .now, using: &random)) }
    #expect(most > Backoff.cap && most <= .seconds(900))
  }

  @Test func asksOftenWhileNothingAnswersAndDoesNotCountIt() {
    var random = SeededGenerator(seed: 3)
    var backoff = Backoff()
    let begin = Monotonic.now
    for second in 0..<1000 {
      let delay = backoff.delay(after: .unanswered, now: begin + .seconds(second), using: &random)
      #expect(delay <= (second < 30 ? .milliseconds(2500) : .seconds(4)))
    }
    #expect(backoff.attempt == 0)
  }

  @Test func doesNotBringALargeFleetToTheDoorAtOnce() {
    var random = SeededGenerator(seed: 6)
    var backoff = Backoff()
    backoff.announced(window_s: 300)
    let delays = (0..<300).map { _ in backoff.delay(after: .unanswered, now: .now, using: &random) }
    #expect(delays.contains { $0 > .seconds(4) } && delays.allSatisfy { $0 <= .seconds(5) })
  }

  @Test func waitsMinutesAfterARefusedKeyAndSecondsAfterABusyClaim() {
    var random = SeededGenerator(seed: 4)
    var backoff = Backoff()
    for _ in 0..<100 {
      #expect(backoff.delay(after: .turnedAway, now: .now, using: &random) >= .seconds(120))
      #expect(backoff.delay(after: .claimRefused, now: .now, using: &random) <= .seconds(6))
    }
  }

  @Test func anotherBoxWithTheSameKeyMeansMinutes() {
    #expect(LinkFailure.claimRefused(Refusal(.deviceDuplicate, "another box")).cause == .turnedAway)
    #expect(LinkFailure.claimRefused(Refusal(.claimBusy, "busy")).cause == .claimRefused)
    #expect(LinkFailure.claimRefused(Refusal(.portBlocked, "blocked")).cause == .answered)
  }

  @Test func beginsAnewOnlyAfterAConnectionThatLived() {
    var random = SeededGenerator(seed: 5)
    var backoff = Backoff()
    for _ in 0..<4 { _ = backoff.delay(after: .answered, now: .now, using: &random) }
    backoff.connectionLived(.seconds(10))
    #expect(backoff.attempt == 4)
    backoff.connectionLived(.seconds(61))
    #expect(backoff.attempt == 0)
  }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
