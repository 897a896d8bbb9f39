import FleetProtocol

/// The table of `fleet list`.
enum DeviceTable {
  /// A column: its heading, and what it says of a device.
  private struct Column: Sendable {
    let heading: String
    var isAlignedRight = false
    let value: @Sendable (DeviceStatus, Timestamp) -> String
  }

  private static let columns = [
    Column(heading: "NAME") { device, _ in device.name.rawValue },
    Column(heading: "STATE") { device, _ in device.state.rawValue },
    Column(heading: "LATENCY", isAlignedRight: true) { device, _ in latency(device.rtt_ms) },
    Column(heading: "LAST SEEN") { device, now in RelativeTime.text(device.lastSeen, now: now) },
    Column(heading: "PORT", isAlignedRight: true) { device, _ in device.port.description },
    Column(heading: "USER") { device, _ in device.user.rawValue },
    Column(heading: "TAGS") { device, _ in tags(device.tags) },
  ]

  /// Shown only where a device has something to say.
  private static let noteColumn = Column(heading: "NOTE") { device, _ in DisplayText.escaped(device.note ?? "") }

  /// The table, sorted by name, a newline after each row.
  static func text(_ devices: [DeviceStatus], now: Timestamp, style: TerminalStyle) -> String {
    let columns = devices.contains { $0.note != nil } ? columns + [noteColumn] : columns
    let devices = devices.sorted { $0.name < $1.name }
    let table = TextTable(
      columns: columns.map { TextTable.Column(heading: $0.heading, isAlignedRight: $0.isAlignedRight) },
      rows: devices.map { device in columns.map { $0.value(device, now) } })
    return table.text(style: style) { row, column, cell in
      columns[column].heading == "STATE" ? style.paint(cell, devices[row].state) : cell
    }
  }

  /// `0.4 ms`, `23 ms`, or `-` where it is not known.
  static func latency(_ rtt_ms: Double?) -> String {
    guard let rtt_ms, rtt_ms.isFinite, rtt_ms >= 0, rtt_ms < 1e9 else { return "-" }
    if rtt_ms >= 10 { return "\(Int(rtt_ms.rounded())) ms" }
    let tenths = Int((rtt_ms * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  /// `key=value` words, sorted, or `-`.
  static func tags(_ tags: [String: String]) -> String {
    if tags.isEmpty { return "-" }
    return tags.sorted { $0.key < $1.key }
      .map { DisplayText.escaped($0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)") }
      .joined(separator: " ")
  }
}
