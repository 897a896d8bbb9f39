import FleetProtocol

/// How far a plan has come, and the lines that tell it.
struct ProvisionProgress: Hashable {
  /// What is done as a whole, such as "provisioning kitchen-pi".
  let whole: String
  private var waiting: [ProvisionStep]
  private(set) var done: [ProvisionStep] = []

  init(_ plan: ProvisionPlan, of whole: String) {
    self.whole = whole
    waiting = plan.steps
  }

  /// The step that comes next, `nil` at the end.
  var next: ProvisionStep? { waiting.first }

  /// Notes that the next step is done; returns its line.
  mutating func finish(_ detail: String, style: TerminalStyle) -> String {
    let step = waiting.removeFirst()
    done.append(step)
    return style.paint("✓", .green) + " \(step.rawValue)" + (detail.isEmpty ? "" : ": \(detail)")
  }

  /// The line of the next step, which failed.
  func failure(_ refusal: Refusal, style: TerminalStyle) -> String {
    style.paint("✗", .red) + " \(next?.rawValue ?? "finish"): \(refusal.message)"
  }

  /// What the command as a whole ends with: what was done, and that the same command continues.
  func outcome(of refusal: Refusal) -> Refusal {
    let message =
      "\(whole) stopped; "
      + (done.isEmpty ? "nothing was done" : "done so far: \(done.map(\.rawValue).joined(separator: ", "))")
    // The same command would only meet the same answer.
    let isFinal = [.nameTaken, .keyTaken, .noSuchDevice, .denied, .notAnOperator].contains(refusal.code)
    let again = isFinal ? nil : "run the same command again, it continues from there"
    return Refusal(refusal.code, message, hint: [refusal.hint, again].compactMap(\.self).joined(separator: "; then "))
  }
}
