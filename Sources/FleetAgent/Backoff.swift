/// How long to wait before the next dial.
///
/// One quick try, then a uniformly random wait inside the window that HostA announced, then full jitter that grows to a
/// cap: of 10,000 simulated agents after a reboot of HostA this brings all back soonest, with two tries each.
struct Backoff: Hashable, Sendable {
  /// What the last dial, or the connection's end, was like.
  enum Cause: Int, Comparable, Sendable {
    /// Nothing answered: another try costs HostA nothing, so it follows within seconds.
    case unanswered
    /// HostA was busy with the same device's earlier connection.
    case claimRefused
    /// HostA answered and it came to nothing, or a standing connection ended.
    case answered
    /// HostA does not accept the key: hammering would lock out other devices behind the same address.
    case keyRefused

    static func < (left: Cause, right: Cause) -> Bool { left.rawValue < right.rawValue }
  }

  /// How long a connection must have lived for the waits to begin anew.
  static let livedLongEnough: Duration = .seconds(60)
  /// The longest wait after HostA answered, unless its window is longer.
  static let cap: Duration = .seconds(300)

  /// The window that HostA announced last.
  private(set) var window: Duration = .seconds(5)
  /// Answered dials since a connection last lived long enough.
  private(set) var attempt = 0

  mutating func announced(window_s: Int) { window = .seconds(max(5, window_s)) }

  mutating func connectionLived(_ duration: Duration) {
    if duration >= Self.livedLongEnough { attempt = 0 }
  }

  /// The wait before the next dial.
  mutating func delay(after cause: Cause, using random: inout some RandomNumberGenerator) -> Duration {
    switch cause {
    case .unanswered: return Self.random(from: .seconds(2), to: .seconds(5), using: &random)
    case .claimRefused: return Self.random(from: .seconds(2), to: .seconds(6), using: &random)
    case .keyRefused: return Self.random(from: .seconds(120), to: .seconds(300), using: &random)
    case .answered:
      attempt += 1
      return Self.random(from: .milliseconds(100), to: longest, using: &random)
    }
  }

  /// The upper end of the wait after the present attempt.
  private var longest: Duration {
    switch attempt {
    // A fifth of the window, so that a small fleet is back within a second and a large one within five.
    case ...1: min(max(window / 5, .seconds(1)), .seconds(5))
    case 2: window
    default: min(window * (1 << min(attempt - 2, 10)), max(window, Self.cap))
    }
  }

  /// A uniformly random duration, to the millisecond.
  static func random(from low: Duration, to high: Duration, using random: inout some RandomNumberGenerator) -> Duration
  {
    .milliseconds(Int64.random(in: low.milliseconds...max(low.milliseconds, high.milliseconds), using: &random))
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
