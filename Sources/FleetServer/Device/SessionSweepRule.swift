/// When nothing is left to guard against of a device that was removed.
enum SessionSweepRule {
  enum Step: Hashable {
    /// Its connections are not shut out yet: whoever removed it was cut off.
    case shutOut
    case wait
    /// No connection that its key opened can be left.
    case forget
  }

  /// How long a login that sshd had begun when the key went may take.
  static let login_s: UInt64 = 600

  /// `oldestConnection_ticks`: when the oldest of those sshd processes began that may carry a connection of the removed
  /// device, in clock ticks since boot; `nil` where there is none.
  static func step(
    _ cutoff: KeyCutoff?, bootID: String, now_ticks: UInt64, ticksPerSecond: UInt64, oldestConnection_ticks: UInt64?
  ) -> Step {
    guard let cutoff else { return .shutOut }
    guard cutoff.bootID == bootID else { return .forget }
    guard now_ticks >= cutoff.ticks + login_s * ticksPerSecond else { return .wait }
    if let oldestConnection_ticks, oldestConnection_ticks <= cutoff.ticks { return .wait }
    return .forget
  }
}
