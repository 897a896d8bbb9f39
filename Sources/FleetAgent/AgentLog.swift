import FleetProtocol
import Glibc

/// How much a line of the log matters.
enum LogLevel: String, Sendable { case info, warning, error }

/// Which of many equal lines are worth writing: the first, and then ever fewer of them.
struct LogThrottle: Sendable {
  private static let longest: Duration = .seconds(86_400)
  private var lines: [String: (due: ContinuousClock.Instant, interval: Duration)] = [:]

  /// Whether a line that says `topic` should be written now. Equal topics come after 1 minute, then 2, 4... up to a day.
  mutating func admits(_ topic: String, now: ContinuousClock.Instant) -> Bool {
    guard let line = lines[topic] else {
      if lines.count >= 256 { lines = [:] }
      lines[topic] = (now + .seconds(60), .seconds(60))
      return true
    }
    guard line.due <= now else { return false }
    let interval = min(line.interval * 2, Self.longest)
    lines[topic] = (now + interval, interval)
    return true
  }

  /// All is well again: what is said next is news.
  mutating func reset() { lines = [:] }
}

/// The agent's log, on standard error.
struct AgentLog {
  private let hasTimeStamps: Bool
  private var throttle = LogThrottle()

  /// The journal stamps its lines itself: JOURNAL_STREAM names the device and inode of the stream that leads there.
  init() {
    var information = stat()
    let stream = getenv("JOURNAL_STREAM").map { String(cString: $0) }
    hasTimeStamps = fstat(STDERR_FILENO, &information) != 0 || stream != "\(information.st_dev):\(information.st_ino)"
  }

  /// Writes a sentence. `topic` is what makes it the same as an earlier one, by default the sentence itself.
  mutating func write(_ level: LogLevel, _ sentence: String, topic: String? = nil) {
    guard throttle.admits(topic ?? sentence, now: .now) else { return }
    let stamp = hasTimeStamps ? "\(Timestamp.now) " : ""
    let line = "\(stamp)\(level.rawValue): \(sentence)\n"
    _ = Glibc.write(STDERR_FILENO, line, line.utf8.count)
  }

  mutating func reset() { throttle.reset() }
}

extension Timestamp {
  static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }
}
