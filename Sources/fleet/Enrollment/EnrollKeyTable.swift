import FleetProtocol

/// The table of `fleet enroll-key list`.
enum EnrollKeyTable {
  /// Sorted by when they expire, a newline after each row.
  static func text(_ keys: [EnrollKeyStatus], now: Timestamp, style: TerminalStyle) -> String {
    let heading = ["ID", "NAME", "USED", "EXPIRES", "APPROVAL", "USER", "BY"]
    let rows = keys.sorted { ($0.expires, $0.id) < ($1.expires, $1.id) }.map { key in
      [
        key.id.rawValue, key.pattern.text, "\(key.used) of \(key.uses)", expiry(key.expires, now: now),
        key.autoApprove ? "none" : "by a person", key.user.rawValue, DisplayText.escaped(key.createdBy),
      ]
    }
    let widths = heading.indices.map { index in
      rows.reduce(DisplayWidth.of(heading[index])) { max($0, DisplayWidth.of($1[index])) }
    }
    func line(_ cells: [String]) -> String {
      cells.enumerated().map { index, cell in
        index == cells.count - 1 ? cell : DisplayWidth.padded(cell, to: widths[index])
      }.joined(separator: "  ")
    }
    return style.paint(line(heading), .bold) + "\n" + rows.map { line($0) + "\n" }.joined()
  }

  private static func expiry(_ moment: Timestamp, now: Timestamp) -> String {
    let left_s = moment.seconds - now.seconds
    return left_s > 0 ? "in \(RelativeTime.length(left_s))" : "expired"
  }
}
