import FleetProtocol

/// What `fleet list --pending` shows of the boxes that wait for approval.
enum PendingTable {
  private static let columns = ["NAME", "KEY", "SINCE", "ADDRESS", "ENROLL KEY", "MACHINE"].map {
    TextTable.Column(heading: $0)
  }

  /// The table, in the order of the boxes, a newline after each row.
  static func text(_ boxes: [PendingBox], now: Timestamp, style: TerminalStyle) -> String {
    let rows = boxes.map { box in
      [
        box.name.rawValue, KeyFingerprint.of(box.key), RelativeTime.text(box.asked, now: now),
        box.remoteAddress.map { DisplayText.escaped($0) } ?? "-", box.enrollKey.rawValue, machine(box.facts),
      ]
    }
    return TextTable(columns: columns, rows: rows).text(style: style)
  }

  /// `{"v":1,"pending":[...]}`, each box with the fingerprint of its key.
  static func json(_ boxes: [PendingBox]) -> String {
    let objects = boxes.map { box in
      var object = box.object
      object["fingerprint"] = .string(KeyFingerprint.of(box.key))
      return JSON.object(object)
    }
    return JSON.object(["v": .integer(Reply.version), "pending": .array(objects)]).text + "\n"
  }

  /// What to say on standard error where only devices are shown; `nil` when nobody waits.
  static func remark(waiting: Int64) -> String? {
    switch waiting {
    case ..<1: nil
    case 1: "1 box waits for approval; fleet list --pending"
    default: "\(waiting) boxes wait for approval; fleet list --pending"
    }
  }

  /// `hostname=kiosk, serial=10000000abcd`, sorted, or `-`.
  private static func machine(_ facts: [String: String]) -> String {
    if facts.isEmpty { return "-" }
    return facts.sorted { $0.key < $1.key }.map { DisplayText.escaped("\($0.key)=\($0.value)") }
      .joined(separator: ", ")
  }
}
