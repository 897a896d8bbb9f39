/// Which of many equal lines are worth writing: the first, and then ever fewer of them.
struct LogThrottle: Sendable {
  private static let longest: Duration = .seconds(86_400)
  private var lines: [String: (due: Monotonic, interval: Duration)] = [:]

  /// Whether a line that says `topic` should be written now. Equal topics come after 1 minute, then 2, 4... up to a day.
  mutating func admits(_ topic: String, now: Monotonic) -> Bool {
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
