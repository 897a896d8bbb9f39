import FleetProtocol

/// Notices that what was sent to HostA is not acknowledged within a few round trips.
///
/// The kernel waits for that quietly: a flow that a router has forgotten looks like one on which nothing is said.
struct SilenceWatch: Hashable, Sendable {
  /// What the kernel says of the connection.
  struct Sample: Hashable, Sendable {
    var isUnacknowledged: Bool
    /// How long ago anything came from HostA.
    var sinceHeard: Duration
    var roundTrip: Duration
    /// After how long the kernel repeats what nobody acknowledged.
    var retransmission: Duration
  }

  enum Verdict: Hashable, Sendable { case silent, heard }

  /// The least patience: three repetitions on a fast line.
  static let leastPatience: Duration = .milliseconds(1500)
  /// How often a silent connection is looked at.
  static let silentInterval: Duration = .milliseconds(250)

  private enum State: Hashable {
    case quiet
    case watching(since: Monotonic, patience: Duration)
    case silent(since: Monotonic, next: Monotonic)
  }

  private var state = State.quiet

  /// When `look` is due.
  var deadline: Monotonic? {
    switch state {
    case .quiet: nil
    case .watching(let since, let patience): since + patience
    case .silent(_, let next): next
    }
  }

  /// Whether something that is sent now has to be told.
  var isQuiet: Bool { state == .quiet }

  /// Something was sent. `sample` is from then: while nothing is acknowledged the kernel stretches its own patience.
  mutating func sent(_ sample: Sample, now: Monotonic) {
    guard isQuiet else { return }
    let patience = max(Self.leastPatience, sample.roundTrip * 4 + sample.retransmission)
    state = .watching(since: now, patience: patience)
  }

  /// What the connection looks like when the deadline has come. Returns only what is new.
  mutating func look(_ sample: Sample, now: Monotonic) -> Verdict? {
    switch state {
    case .quiet: return nil
    case .watching(let since, let patience):
      if !sample.isUnacknowledged {
        state = .quiet
      } else if sample.sinceHeard < since.duration(to: now) {
        state = .watching(since: now, patience: patience)
      } else {
        state = .silent(since: since, next: now + Self.silentInterval)
        return .silent
      }
      return nil
    case .silent(let since, _):
      guard sample.sinceHeard < since.duration(to: now) else {
        state = .silent(since: since, next: now + Self.silentInterval)
        return nil
      }
      state = .quiet
      return .heard
    }
  }
}
