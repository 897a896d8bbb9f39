import FleetProtocol

/// What is said when all is done, and the status with which `fleet exec` ends.
struct ExecSummary {
  let results: [(job: ExecJob, outcome: ExecOutcome)]
  let elapsed: Duration

  /// How many names or reasons of one kind are shown.
  private static let mostShown = 10

  private func count(_ state: ExecOutcome.State) -> Int { results.count { $0.outcome.state == state } }

  private var notOK: [(job: ExecJob, outcome: ExecOutcome)] { results.filter { $0.outcome.state != .ok } }

  /// 0 if all were ok, 4 if those that were not are offline or wait for being online, 1 otherwise.
  var exitStatus: ExitStatus {
    if notOK.isEmpty { return .done }
    return notOK.allSatisfy { $0.outcome.state == .offline || $0.outcome.state == .queued } ? .deviceOffline : .failed
  }

  /// `3 ok, 1 failed, 1 offline`.
  var counts: String {
    let parts = ExecOutcome.State.allCases.compactMap { state in
      let count = count(state)
      return count > 0 ? "\(count) \(Self.words(state))" : nil
    }
    return parts.joined(separator: ", ")
  }

  /// The lines for a person, without newlines at their ends.
  var lines: [String] {
    let isQueue = results.contains { $0.job.queued != nil }
    let what = isQueue ? "queued command" : "device"
    let total = "\(results.count) \(what)\(results.count == 1 ? "" : "s")"
    let all = count(.ok) == results.count ? (results.count == 1 ? "ok" : "all ok") : counts
    var lines = ["fleet: \(total) in \(ShortDuration.text(elapsed)): \(all)"]
    let failed = results.filter { $0.outcome.state == .failed }
    for status in Set(failed.map { $0.outcome.status ?? 255 }).sorted() {
      lines.append(names("status \(status)", failed.filter { ($0.outcome.status ?? 255) == status }))
    }
    for state in ExecOutcome.State.allCases where ![.ok, .failed, .unreachable].contains(state) {
      let ones = results.filter { $0.outcome.state == state }
      if !ones.isEmpty { lines.append(names(Self.words(state), ones)) }
    }
    let unreachable = results.filter { $0.outcome.state == .unreachable }
    for one in unreachable.prefix(Self.mostShown) {
      lines.append("  unreachable: \(one.job.label): \(one.outcome.message ?? "")")
    }
    if unreachable.count > Self.mostShown {
      lines.append("  unreachable: and \(unreachable.count - Self.mostShown) more")
    }
    return lines
  }

  private func names(_ heading: String, _ ones: [(job: ExecJob, outcome: ExecOutcome)]) -> String {
    let shown = ones.map(\.job.label).sorted().prefix(Self.mostShown).joined(separator: ", ")
    let rest = ones.count > Self.mostShown ? ", and \(ones.count - Self.mostShown) more" : ""
    return "  \(heading): \(shown)\(rest)"
  }

  static func words(_ state: ExecOutcome.State) -> String {
    switch state {
    case .timedOut: "timed out"
    case .notRun: "not run"
    default: state.rawValue
    }
  }
}
