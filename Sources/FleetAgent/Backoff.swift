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
    /// HostA does not want this device: hammering would lock out other devices behind the same address.
    case turnedAway

    static func < (left: Cause, right: Cause) -> Bool { left.rawValue < right.rawValue }
  }

  /// How long a connection must have lived for the waits to begin anew.
  static let livedLongEnough: Duration = .seconds(60)
  /// The longest wait after HostA answered, unless its window is longer; a small fleet's is shorter.
  static let cap: Duration = .seconds(300)
  /// For how long tries follow each other quickly while nothing answers.
  static let quickPeriod: Duration = .seconds(30)

  /// The window that HostA announced last.
  private(set) var window: Duration = .seconds(5)
  /// Answered dials since a connection last lived long enough.
  private(set) var attempt = 0
  /// Since when, and how often, nothing has answered.
  private var quietSince: Monotonic?
  private var quietAttempt = 0

  /// HostA granted a claim.
  mutating func announced(window_s: Int) {
    window = .seconds(max(5, window_s))
    quietSince = nil
    quietAttempt = 0
  }

  mutating func connectionLived(_ duration: Duration) {
    if duration >= Self.livedLongEnough { attempt = 0 }
  }

  /// How long the next dial may wait for an address to answer. The kernel repeats a lost SYN after 1, 3 and 7 s: on a
  /// line that has just come back a new dial is sooner than that, and every fourth is for a line that is only slow.
  func connectLimit(now: Monotonic) -> Duration {
    guard let quietSince, quietSince.duration(to: now) >= Self.quickPeriod else { return .seconds(2) }
    return quietAttempt.isMultiple(of: 4) ? .seconds(8) : .seconds(4)
  }

  /// The wait before the next dial.
  mutating func delay(after cause: Cause, now: Monotonic, using random: inout some RandomNumberGenerator) -> Duration {
    if cause == .unanswered {
      quietAttempt += 1
      if quietSince == nil { quietSince = now }
    } else {
      quietSince = nil
      quietAttempt = 0
    }
    switch cause {
    case .unanswered:
      let isQuick = quietSince.map { $0.duration(to: now) < Self.quickPeriod } ?? true
      // A large fleet must not stand at the door within a second when HostA's sshd starts again.
      let most = max(isQuick ? .milliseconds(2500) : .seconds(4), quickest)
      return Self.uniform(from: isQuick ? .milliseconds(1500) : .seconds(2), to: most, using: &random)
    case .claimRefused: return Self.uniform(from: .seconds(2), to: .seconds(6), using: &random)
    case .turnedAway: return Self.uniform(from: .seconds(120), to: .seconds(300), using: &random)
    case .answered:
      attempt += 1
      return Self.uniform(from: .milliseconds(100), to: longest, using: &random)
    }
  }

  /// A fifth of the window, so that a small fleet is back within a second and a large one within five.
  private var quickest: Duration { min(max(window / 5, .seconds(1)), .seconds(5)) }

  /// The upper end of the wait after the present attempt.
  private var longest: Duration {
    switch attempt {
    case ...1: quickest
    case 2: window
    default: min(window * (1 << min(attempt - 2, 10)), longestOfAll)
    }
  }

  /// The upper end of the wait after however many attempts: what a small fleet asks in vain costs HostA little.
  var longestOfAll: Duration { max(window, min(window * 12, Self.cap)) }

  /// A uniformly random duration, to the millisecond.
  static func uniform(from low: Duration, to high: Duration, using random: inout some RandomNumberGenerator) -> Duration
  {
    let most_ms = max(low.milliseconds, high.milliseconds)
    return .milliseconds(Int64.random(in: low.milliseconds...most_ms, using: &random))
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
