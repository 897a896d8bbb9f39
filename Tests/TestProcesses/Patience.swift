import Glibc

/// How long a test waits for something that it looks for again and again. What it sleeps counts; what a look takes does
/// not, which on a busy machine is most of the time. All in all it is at most five times as long.
public struct Patience {
  private let limit: Duration
  private let pause: Duration
  private var slept: Duration = .zero
  private let begin = ContinuousClock.now

  public init(_ limit: Duration, pause: Duration = .milliseconds(20)) {
    self.limit = limit
    self.pause = pause
  }

  /// Sleeps a moment and returns true, or returns false when it is over.
  public mutating func wait() -> Bool {
    guard slept < limit, ContinuousClock.now - begin < limit * 5 else { return false }
    usleep(useconds_t(pause.components.attoseconds / 1_000_000_000_000))
    slept += pause
    return true
  }
}
