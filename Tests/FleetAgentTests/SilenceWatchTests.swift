import Testing

@testable import FleetAgent

@Suite struct SilenceWatchTests {
  private let begin = Monotonic.now

  private func sample(_ isUnacknowledged: Bool, heard_ms: Int, rtt_ms: Int = 1, rto_ms: Int = 200)
    -> SilenceWatch.Sample
  {
    SilenceWatch.Sample(
      isUnacknowledged: isUnacknowledged, sinceHeard: .milliseconds(heard_ms), roundTrip: .milliseconds(rtt_ms),
      retransmission: .milliseconds(rto_ms))
  }

  @Test func tellsThatAKeepaliveIsNotAcknowledged() {
    var watch = SilenceWatch()
    #expect(watch.deadline == nil)
    watch.sent(sample(true, heard_ms: 10_000), now: begin)
    #expect(watch.deadline == begin + .milliseconds(1500))
    #expect(watch.look(sample(true, heard_ms: 11_500), now: begin + .milliseconds(1500)) == .silent)
    #expect(watch.look(sample(true, heard_ms: 11_750), now: begin + .milliseconds(1750)) == nil, "told once")
    #expect(watch.look(sample(true, heard_ms: 12_000), now: begin + .milliseconds(2000)) == nil)
    #expect(watch.look(sample(true, heard_ms: 40), now: begin + .milliseconds(2250)) == .heard)
    #expect(watch.deadline == nil)
  }

  @Test func isContentWithAnAcknowledgement() {
    var watch = SilenceWatch()
    watch.sent(sample(true, heard_ms: 10_000), now: begin)
    #expect(watch.look(sample(false, heard_ms: 1490), now: begin + .milliseconds(1500)) == nil)
    #expect(watch.isQuiet)
  }

  @Test func goesOnWatchingWhileSomethingComes() {
    var watch = SilenceWatch()
    watch.sent(sample(true, heard_ms: 10), now: begin)
    #expect(watch.look(sample(true, heard_ms: 700), now: begin + .milliseconds(1500)) == nil)
    #expect(watch.deadline == begin + .milliseconds(3000))
    #expect(watch.look(sample(true, heard_ms: 2200), now: begin + .milliseconds(3000)) == .silent)
  }

  @Test func isPatientOnASlowLine() {
    var watch = SilenceWatch()
    watch.sent(sample(true, heard_ms: 10, rtt_ms: 800, rto_ms: 1200), now: begin)
    #expect(watch.deadline == begin + .milliseconds(4400))
  }
}
