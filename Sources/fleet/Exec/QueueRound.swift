import FleetProtocol

/// Which queued commands can be run now.
enum QueueRound {
  /// Which queued commands are meant.
  struct Scope {
    /// `nil` for all.
    var only: Set<QueueID>?
    /// `nil` where HostA is believed what was queued.
    var here: QueuedHere?

    func includes(_ entry: QueuedCommand) -> Bool {
      entry.state == .waiting && (only?.contains(entry.id) ?? true) && (here?.contains(entry) ?? true)
    }
  }

  /// Those that wait for a device that can be reached, a device's in the order in which they were added.
  static func jobs(_ entries: [QueuedCommand], reachable: Set<DeviceName>, scope: Scope) -> [ExecJob] {
    entries.filter { scope.includes($0) && reachable.contains($0.device) }
      .enumerated()
      // HostA lists them in the order of adding, which its seconds alone do not tell.
      .sorted { ($0.element.added, $0.offset) < ($1.element.added, $1.offset) }
      .map { ExecJob(device: $0.element.device, command: $0.element.command, queued: $0.element.id) }
  }

  /// What is said of those that were not queued here; `nil` when there are none.
  static func foreignRemark(_ entries: [QueuedCommand], scope: Scope) -> String? {
    guard let here = scope.here else { return nil }
    let count = entries.count { $0.state == .waiting && !here.contains($0) }
    guard count > 0 else { return nil }
    let what =
      count == 1
      ? "1 queued command was not queued on this laptop" : "\(count) queued commands were not queued on this laptop"
    return "\(what), and \(count == 1 ? "is" : "are") not run; look with 'fleet queue', run with --any-laptop"
  }

  /// What is said of those that still wait; `nil` when there are none.
  static func remark(_ waiting: [QueuedCommand]) -> String? {
    guard !waiting.isEmpty else { return nil }
    let devices = Set(waiting.map(\.device)).sorted()
    let shown = devices.prefix(10).map(\.rawValue).joined(separator: ", ")
    let rest = devices.count > 10 ? ", and \(devices.count - 10) more" : ""
    let commands = waiting.count == 1 ? "1 queued command waits" : "\(waiting.count) queued commands wait"
    return "\(commands) for \(shown)\(rest); 'fleet queue' shows them"
  }
}
