import FleetProtocol

/// The table of `fleet list`.
struct DeviceTable {
  /// How wide a line may be; `nil` for as wide as it takes.
  var width: Int?
  var hasHeadings = true
  /// HostA does not answer: the states are those that it told last.
  var isLastKnown = false
  /// The devices that changed a moment ago; where it is not `nil`, a column marks them.
  var marked: Set<DeviceID>?

  /// A column: its heading, what it gives up on a narrow terminal, and what it says of a device.
  private struct Column: Sendable {
    let heading: String
    var isAlignedRight = false
    /// The width to which it may be cut.
    var shortest: Int?
    /// Which one of those that a narrow terminal has no room for.
    var leavesAs: Int?
    let value: @Sendable (DeviceStatus, Timestamp) -> String
  }

  private static let name = Column(heading: "NAME") { device, _ in device.name.rawValue }
  private static let state = Column(heading: "STATE") { device, _ in device.state.rawValue }
  private static let lastState = Column(heading: "STATE") { device, _ in "was \(device.state.rawValue)" }
  private static let rtt = Column(heading: "LATENCY", isAlignedRight: true, leavesAs: 4) { device, _ in
    latency(device.rtt_ms)
  }
  private static let others = [
    Column(heading: "LAST SEEN", leavesAs: 6) { device, now in RelativeTime.text(device.lastSeen, now: now) },
    Column(heading: "PORT", isAlignedRight: true, leavesAs: 1) { device, _ in device.port.description },
    Column(heading: "USER", leavesAs: 2) { device, _ in device.user.rawValue },
    Column(heading: "TAGS", shortest: 12, leavesAs: 3) { device, _ in tags(device.tags) },
  ]

  /// Shown only where a device has something to say.
  private static let note = Column(heading: "NOTE", shortest: 20, leavesAs: 5) { device, _ in
    DisplayText.escaped(device.note ?? "")
  }

  /// The devices in their order, a newline after each row.
  func text(_ devices: [DeviceStatus], now: Timestamp, style: TerminalStyle) -> String {
    let marked = marked
    let mark = Column(heading: "") { device, _ in marked?.contains(device.id) == true ? "*" : " " }
    let columns =
      (marked == nil ? [] : [mark]) + [Self.name] + (isLastKnown ? [Self.lastState] : [Self.state, Self.rtt])
      + Self.others + (devices.contains { $0.note != nil } ? [Self.note] : [])
    let table = TextTable(
      columns: columns.map {
        TextTable.Column(
          heading: $0.heading, isAlignedRight: $0.isAlignedRight, shortest: $0.shortest, leavesAs: $0.leavesAs)
      },
      rows: devices.map { device in columns.map { $0.value(device, now) } }, hasHeadings: hasHeadings, width: width)
    return table.text(style: style) { row, column, cell in
      switch columns[column].heading {
      case "STATE": isLastKnown ? style.paint(cell, .faint) : style.paint(cell, devices[row].state)
      case "NAME", "": marked?.contains(devices[row].id) == true ? style.paint(cell, .bold) : cell
      default: cell
      }
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
