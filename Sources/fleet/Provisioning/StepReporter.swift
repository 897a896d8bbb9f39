import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Carries out a plan step by step and shows each one as it happens.
final class StepReporter {
  private var progress: ProvisionProgress
  private let isTerminal = LaptopEnvironment.isTerminal(STDERR_FILENO)
  private let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor(STDERR_FILENO))

  convenience init(_ plan: ProvisionPlan, device: DeviceName) {
    self.init(plan, of: "provisioning \(device)")
  }

  init(_ plan: ProvisionPlan, of whole: String) {
    progress = ProvisionProgress(plan, of: whole)
    // Ctrl-C ends the ssh that is at work; this process lives on to tell what was done and to tidy up.
    signal(SIGINT) { _ in interruptions += 1 }
  }

  /// Carries out the plan's next step. What `body` returns besides its value is shown behind the tick.
  ///
  /// Throws what the whole command ends with; the step's own reason has been shown.
  func perform<Value>(_ step: ProvisionStep, _ body: () throws(Refusal) -> (Value, String)) throws(Refusal) -> Value {
    precondition(progress.next == step, "the plan says otherwise")
    do throws(Refusal) {
      try Self.stopIfInterrupted()
      announce(step)
      let (value, detail) = try body()
      StandardStreams.note(lineStart + progress.finish(detail, style: style))
      return value
    } catch {
      let reason = interruptions > 0 ? Self.interruption : error
      StandardStreams.note(lineStart + progress.failure(reason, style: style))
      throw progress.outcome(of: reason)
    }
  }

  /// On a terminal, shows what is at work until its tick or cross takes the line's place.
  private func announce(_ step: ProvisionStep) {
    guard isTerminal, !step.speaksItself else { return }
    StandardStreams.note(style.paint("· \(step.rawValue)", .faint), terminator: "")
  }

  /// Back to the line's beginning, and what stood there away.
  private var lineStart: String { isTerminal ? "\r\u{1B}[K" : "" }

  /// Throws after a Ctrl-C.
  static func stopIfInterrupted() throws(Refusal) {
    if interruptions > 0 { throw interruption }
  }

  private static let interruption = Refusal(.stepFailed, "interrupted")
}

/// Counted by a signal handler, which can reach nothing but a global.
private nonisolated(unsafe) var interruptions: sig_atomic_t = 0
