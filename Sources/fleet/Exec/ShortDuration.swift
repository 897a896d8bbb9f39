/// A length of time as a summary says it.
enum ShortDuration {
  /// `0.4 s`, `12.3 s`, `3 min 5 s`.
  static func text(_ duration: Duration) -> String {
    let tenths = Int64((seconds(duration) * 10).rounded())
    return tenths < 600 ? "\(tenths / 10).\(tenths % 10) s" : RelativeTime.length(tenths / 10)
  }

  /// Seconds, to the millisecond.
  static func seconds(_ duration: Duration) -> Double { (duration / .milliseconds(1)).rounded() / 1000 }
}
