#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Shows how far many rows have come: one line that changes on a terminal, and otherwise a line now and then.
struct ProgressLine {
  let total: Int
  private let isTerminal = LaptopEnvironment.isTerminal(STDERR_FILENO)
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var first: Int?
  private var lastShown: ContinuousClock.Instant?
  private var lastCount = 0

  init(total: Int) {
    self.total = total
    start = clock.now
  }

  mutating func show(_ done: Int) {
    let begun = first ?? done
    first = begun
    if isTerminal {
      if let lastShown, done < total, clock.now - lastShown < .milliseconds(100) { return }
      lastShown = clock.now
      let elapsed = (clock.now - start) / .seconds(1)
      let bar = ProgressBar.text(done: done, from: begun, of: total, elapsed_s: elapsed)
      StandardStreams.note("\r\u{1B}[K" + bar, terminator: "")
    } else if done - lastCount >= 100 || done == total && done > lastCount {
      lastCount = done
      StandardStreams.note("\(done) of \(total)")
    }
  }

  /// Leaves the line as it is.
  mutating func end() {
    if lastShown != nil { StandardStreams.note("") }
    lastShown = nil
  }
}
