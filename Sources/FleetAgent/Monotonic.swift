import Glibc

/// A moment that only goes forward, whatever happens to the clock on the wall, and goes on while the machine sleeps.
///
/// Not `ContinuousClock.Instant`, whose layout is known at run time only: everything that holds one becomes slow.
struct Monotonic: Comparable, Hashable, Sendable {
  private var sinceBoot_ns: Int64

  static var now: Monotonic {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Monotonic(sinceBoot_ns: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  static func < (one: Monotonic, other: Monotonic) -> Bool { one.sinceBoot_ns < other.sinceBoot_ns }

  static func + (moment: Monotonic, duration: Duration) -> Monotonic {
    let (seconds, attoseconds) = duration.components
    return Monotonic(sinceBoot_ns: moment.sinceBoot_ns + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  func duration(to other: Monotonic) -> Duration { .nanoseconds(other.sinceBoot_ns - sinceBoot_ns) }

  /// The earlier one of those that there are.
  static func earliest(_ one: Monotonic?, _ other: Monotonic?) -> Monotonic? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }
}
