/// What is made of times that the wall clock told: it may have been wrong by decades, and be right again.
enum WallClockRule {
  /// What should have gone longer ago than this is kept: rather it is the clock that is ahead.
  static let latest_s: Int64 = 366 * 86_400

  /// Whether something that was due then may go now.
  static func isDue(_ due_s: Int64, now_s: Int64) -> Bool { now_s >= due_s && now_s - due_s <= latest_s }

  /// Whether the two times lie within so many seconds. Behind counts as ahead does: a clock that was set back would
  /// otherwise make a moment last for years.
  static func isNear(_ at_s: Int64, now_s: Int64, within_s: Int64) -> Bool {
    let (distance, overflow) = now_s.subtractingReportingOverflow(at_s)
    return !overflow && distance.magnitude <= within_s.magnitude
  }

  /// A time at which something was: at the latest now.
  static func past(_ at_s: Int64, now_s: Int64) -> Int64 { min(at_s, now_s) }
}
