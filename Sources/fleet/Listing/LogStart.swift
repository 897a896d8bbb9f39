import FleetProtocol

/// From when on `fleet log` tells: `2h` (so long ago), `2026-01-02` or `2026-01-02T03:04:05Z`, both in UTC.
enum LogStart: Hashable {
  case ago(Lifetime)
  case at(Timestamp)

  /// Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    if let moment = Timestamp(parsing: text) ?? Timestamp(parsing: "\(text)T00:00:00Z") {
      self = .at(moment)
    } else if let age = try? Lifetime(parsing: text) {
      self = .ago(age)
    } else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 40))' does not say since when",
        hint: "write 30m, 2h or 7d, a day such as 2026-01-02, or a moment such as 2026-01-02T03:04:05Z (UTC)")
    }
  }

  func moment(now: Timestamp) -> Timestamp {
    switch self {
    case .ago(let age): Timestamp(seconds: now.seconds - age.seconds)
    case .at(let moment): moment
    }
  }
}
