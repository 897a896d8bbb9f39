import FleetProtocol

/// The table of `fleet log`.
struct LogTable {
  /// How wide a line may be; `nil` for as wide as it takes.
  var width: Int?
  var hasHeadings = true

  private static let columns = [
    TextTable.Column(heading: "TIME"),
    TextTable.Column(heading: "WHO"),
    TextTable.Column(heading: "DID"),
    TextTable.Column(heading: "DEVICE"),
    TextTable.Column(heading: "FROM", leavesAs: 4),
    TextTable.Column(heading: "LASTED", isAlignedRight: true, leavesAs: 5),
    TextTable.Column(heading: "SENT", isAlignedRight: true, leavesAs: 1),
    TextTable.Column(heading: "RECEIVED", isAlignedRight: true, leavesAs: 2),
    TextTable.Column(heading: "DETAIL", shortest: 12, leavesAs: 3),
  ]

  /// The entries in their order, a newline after each row; no column stands there that says nothing.
  func text(_ entries: [LogEntry], style: TerminalStyle) -> String {
    let rows = entries.map(Self.cells)
    let kept = Self.columns.indices.filter { column in column < 4 || rows.contains { $0[column] != "-" } }
    let table = TextTable(
      columns: kept.map { Self.columns[$0] }, rows: rows.map { row in kept.map { row[$0] } }, hasHeadings: hasHeadings,
      width: width)
    return table.text(style: style)
  }

  private static func cells(_ entry: LogEntry) -> [String] {
    func shown(_ text: String?) -> String { text.map { DisplayText.escaped($0) } ?? "-" }
    return [
      entry.at.description, shown(entry.actor), shown(entry.action), shown(entry.device), shown(entry.remoteAddress),
      entry.duration_s.map(RelativeTime.length) ?? "-", entry.bytesToDevice.map(DeviceDetails.bytes) ?? "-",
      entry.bytesFromDevice.map(DeviceDetails.bytes) ?? "-", shown(entry.detail),
    ]
  }

  /// `{"v":1,"entries":[...]}`, the form that scripts rely on.
  static func json(_ entries: [LogEntry]) -> String {
    JSON.object(["v": .integer(Reply.version), "entries": .array(entries.map { .object($0.object) })]).text + "\n"
  }
}
