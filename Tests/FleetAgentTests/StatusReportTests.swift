import FleetProtocol
import Testing

@testable import FleetAgent

@Suite struct StatusReportTests {
  private static let up = StatusReport(
    name: "kitchen-pi", device: "0f3a5c7e9b1d2f40", agentVersion: "0.1.0", pid: 12, state: "up",
    sentence: "the tunnel through hosta.example port 2222 is up", since: Timestamp(seconds: 1_000_000),
    endpoint: "hosta.example port 2222", remoteAddress: "203.0.113.9 port 2222", port: 20007, channels: 2,
    bytesReceived: 12_345, bytesSent: 99_000_000, tries: 0, lastError: nil, sshd: "up")

  @Test func survivesTheWire() throws {
    #expect(try StatusReport(parsing: Array(Self.up.line.utf8)) == Self.up)
    #expect(throws: JSONError.self) { try StatusReport(parsing: Array("{}".utf8)) }
  }

  @Test func showsATunnelThatIsUp() {
    #expect(
      Self.up.text(now: Timestamp(seconds: 1_000_600)) == """
        device      kitchen-pi (0f3a5c7e9b1d2f40)
        state       the tunnel through hosta.example port 2222 is up
        since       1970-01-12T13:46:40Z, 10 min ago
        HostA       hosta.example port 2222 (203.0.113.9 port 2222)
        port        20007 on HostA's loopback
        sessions    2
        traffic     12 kB received, 99 MB sent
        agent       fleet-agent 0.1.0, process 12

        """)
  }

  @Test func showsWhyItWaitsAndEscapesWhatOthersSaid() {
    var report = Self.up
    report.state = "waiting"
    report.sentence = "waiting 3 s because HostA does not answer: connection refused"
    report.endpoint = nil
    report.tries = 4
    report.lastError = "bad \u{1B}[31m"
    let text = report.text(now: Timestamp(seconds: 1_000_001))
    #expect(!report.isUp)
    #expect(text.contains("tries       4 since the tunnel was last up\n"))
    #expect(text.contains("bad \\u{1b}[31m"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test func saysThatTheDevicesSSHDIsDown() {
    var report = Self.up
    report.sshd = "down"
    #expect(report.text(now: Timestamp(seconds: 1_000_001)).contains("the device's own sshd does not answer"))
  }

  @Test func saysThatTheKeyIsBeingReplaced() throws {
    var report = Self.up
    report.key = "being replaced by a new one"
    #expect(report.text(now: Timestamp(seconds: 1_000_001)).contains("\nkey         being replaced by a new one\n"))
    #expect(try StatusReport(parsing: Array(report.line.utf8)) == report)
  }

  @Test func roundsAges() {
    let start = Timestamp(seconds: 0)
    let ages = [5, 300, 10_000, 1_000_000].map { StatusReport.age(start, Timestamp(seconds: $0)) }
    #expect(ages == ["5 s ago", "5 min ago", "2 h ago", "11 days ago"])
  }

  @Test func logSaysTheSameEverMoreSeldom() {
    var throttle = LogThrottle()
    let start = Monotonic.now
    var written = 0
    for minute in 0..<(3 * 24 * 60) where throttle.admits("down", now: start + .seconds(60 * minute)) { written += 1 }
    #expect(written < 20)
    let isOtherNews = throttle.admits("other", now: start)
    throttle.reset()
    let isNewsAgain = throttle.admits("down", now: start)
    #expect(isOtherNews && isNewsAgain)
  }
}
