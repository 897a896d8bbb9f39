import FleetProtocol

/// Which queued commands can be run now.
enum QueueRound {
  /// Those that wait for a device that can be reached, a device's in the order in which they were added.
  ///
  /// - Parameter only: the commands that are meant; `nil` for all.
  static func jobs(
    _ entries: [QueuedCommand], reachable: Set<DeviceName>, only: Set<QueueID>? = nil
  ) -> [ExecJob] {
    waiting(entries, only: only).filter { reachable.contains($0.device) }
      .enumerated()
      // HostA lists them in the order of adding, which its seconds alone do not tell.
      .sorted { ($0.element.added, $0.offset) < ($1.element.added, $1.offset) }
      .map { ExecJob(device: $0.element.device, command: $0.element.command, queued: $0.element.id) }
  }

  static func waiting(_ entries: [QueuedCommand], only: Set<QueueID>? = nil) -> [QueuedCommand] {
    entries.filter { $0.state == .waiting && (only?.contains($0.id) ?? true) }
  }

  /// What is said of those that still wait; `nil` when there are none.
  static func remark(_ entries: [QueuedCommand]) -> String? {
    let waiting = waiting(entries)
    guard !waiting.isEmpty else { return nil }
    let devices = Set(waiting.map(\.device)).sorted()
    let shown = devices.prefix(10).map(\.rawValue).joined(separator: ", ")
    let rest = devices.count > 10 ? ", and \(devices.count - 10) more" : ""
    let commands = waiting.count == 1 ? "1 queued command waits" : "\(waiting.count) queued commands wait"
    return "\(commands) for \(shown)\(rest); 'fleet queue' shows them"
  }
}
