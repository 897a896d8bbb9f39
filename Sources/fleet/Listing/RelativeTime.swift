import FleetProtocol

/// A moment as a person says it.
enum RelativeTime {
  /// `just now`, `42 s ago`, `3 min ago`, `5 h ago`, `9 d ago`, and the date after thirty days; `never` for `nil`.
  static func text(_ moment: Timestamp?, now: Timestamp) -> String {
    guard let moment else { return "never" }
    // A laptop's clock plays no part: both times come from HostA.
    let age_s = max(0, now.seconds - moment.seconds)
    switch age_s {
    case ..<2: return "just now"
    case ..<60: return "\(age_s) s ago"
    case ..<3600: return "\(age_s / 60) min ago"
    case ..<86_400: return "\(age_s / 3600) h ago"
    case ..<(30 * 86_400): return "\(age_s / 86_400) d ago"
    default: return String(moment.description.prefix(10))
    }
  }

  /// A length of time in its two largest units: `14 s`, `3 min 5 s`, `2 h`, `9 d 4 h`.
  static func length(_ seconds: Int64) -> String {
    let units: [(Int64, String)] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    let first = units.firstIndex { seconds >= $0.0 } ?? units.count - 1
    let (size, name) = units[first]
    guard first + 1 < units.count else { return "\(seconds) s" }
    let (nextSize, nextName) = units[first + 1]
    let rest = seconds % size / nextSize
    return "\(seconds / size) \(name)" + (rest > 0 ? " \(rest) \(nextName)" : "")
  }
}
