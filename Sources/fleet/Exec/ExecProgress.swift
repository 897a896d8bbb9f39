#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How far many devices have come, in one line that changes on a terminal; nothing elsewhere.
struct ExecProgress {
  /// Whether the devices' output goes to the terminal as well, so that the line has to make room for it.
  let sharesTerminal: Bool
  private let isTerminal = LaptopEnvironment.isTerminal(STDERR_FILENO)
  private var isShown = false
  private var lastShown: Duration?

  init(sharesTerminal: Bool) { self.sharesTerminal = sharesTerminal }

  mutating func show(_ schedule: ExecSchedule, elapsed: Duration) {
    guard isTerminal, !schedule.isIdle else { return }
    if let lastShown, elapsed - lastShown < .milliseconds(100) { return }
    lastShown = elapsed
    isShown = true
    StandardStreams.note("\r\u{1B}[K" + Self.text(schedule, elapsed: elapsed), terminator: "")
  }

  /// Makes room for other text.
  mutating func clear() {
    if isShown { StandardStreams.note("\r\u{1B}[K", terminator: "") }
    isShown = false
  }

  static func text(_ schedule: ExecSchedule, elapsed: Duration) -> String {
    let settled = schedule.settled
    let bar = ProgressBar.text(
      done: settled.count, from: 0, of: schedule.jobs.count, elapsed_s: ShortDuration.seconds(elapsed), width: 20)
    let bad = settled.count { $0.outcome.state != .ok }
    return "\(bar), \(schedule.countAtWork) at work" + (bad > 0 ? ", \(bad) not ok" : "")
  }
}
