import FleetProtocol

/// What `fleet queue` shows.
enum QueueTable {
  private static let columns = ["ID", "DEVICE", "STATE", "ADDED", "EXPIRES", "COMMAND"].map {
    TextTable.Column(heading: $0)
  }

  /// How much of a command a row shows.
  private static let longestCommand = 60

  /// The table in HostA's order, a newline after each row.
  static func text(_ entries: [QueuedCommand], now: Timestamp, style: TerminalStyle) -> String {
    let rows = entries.map { entry in
      [
        entry.id.rawValue, entry.device.rawValue, state(entry), RelativeTime.text(entry.added, now: now),
        entry.state == .waiting ? "in \(RelativeTime.length(max(0, entry.expires.seconds - now.seconds)))" : "-",
        DisplayText.escaped(entry.command, limit: longestCommand),
      ]
    }
    return TextTable(columns: columns, rows: rows).text(style: style)
  }

  /// `{"v":1,"queue":[...]}`.
  static func json(_ entries: [QueuedCommand]) -> String {
    JSON.object(["v": .integer(Reply.version), "queue": .array(entries.map { .object($0.object) })]).text + "\n"
  }

  private static func state(_ entry: QueuedCommand) -> String {
    switch entry.state {
    case .done: "done, status \(entry.status ?? 0)"
    case .taken: "taken, may have run"
    case .waiting, .expired: entry.state.rawValue
    }
  }
}
