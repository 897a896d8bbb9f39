import FleetProtocol

/// What `fleet enroll-key list` shows.
enum EnrollKeyTable {
  private static let columns = ["ID", "NAME", "USED", "EXPIRES", "APPROVAL", "USER", "BY"].map {
    TextTable.Column(heading: $0)
  }

  /// The table, sorted by when the keys expire, a newline after each row.
  static func text(_ keys: [EnrollKeyStatus], now: Timestamp, style: TerminalStyle) -> String {
    let rows = keys.sorted { ($0.expires, $0.id) < ($1.expires, $1.id) }.map { key in
      let left_s = key.expires.seconds - now.seconds
      return [
        key.id.rawValue, key.pattern.text, "\(key.used) of \(key.uses)",
        left_s > 0 ? "in \(RelativeTime.length(left_s))" : "expired", key.autoApprove ? "at once" : "by a person",
        key.user.rawValue, DisplayText.escaped(key.createdBy),
      ]
    }
    return TextTable(columns: columns, rows: rows).text(style: style)
  }

  /// `{"v":1,"enroll_keys":[...]}`.
  static func json(_ keys: [EnrollKeyStatus]) -> String {
    let list = JSON.array(keys.map { .object($0.object) })
    return JSON.object(["v": .integer(Reply.version), "enroll_keys": list]).text + "\n"
  }
}
