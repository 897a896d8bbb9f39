import FleetProtocol
import GRDB

/// The audit as people read it.
extension Registry {
  /// The longest detail in bytes that an entry tells.
  private static let longestDetail = 4000

  /// The latest entries that `body` asks for and the operator may see, the oldest first, and how many were rotated that
  /// could have been among them.
  ///
  /// A connection's end stands in the entry of its beginning, unless that was rotated. What concerns no device is for
  /// operators who are held to nothing; of a device that was removed nobody can say whose it would be, so it is, too.
  /// Throws `no-such-device` for a name that was never there.
  func log(_ body: LogBody, for access: OperatorAccess) throws(Refusal) -> (
    entries: [LogEntry], earlier: Int64
  ) {
    try read { db in
      let rotated = try Self.rotatedHead(db).number
      var conditions = ["audit.id > ?", "(audit.action <> 'disconnect' OR audit.connection <= ?)"]
      var arguments: StatementArguments = [rotated, rotated]
      if let name = body.device {
        conditions.append("(audit.device_name = ? OR audit.device = ?)")
        arguments += [name.rawValue, try Self.identity(ofLogged: name, for: access, db)?.rawValue]
      }
      if let since = body.since {
        conditions.append("audit.at_s >= ?")
        arguments += [since.seconds]
      }
      let visible = try Self.identities(within: access, db)
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT audit.*, coalesce(finish.duration_s, audit.duration_s) AS length_s,
            coalesce(finish.bytes_to_device, audit.bytes_to_device) AS to_device,
            coalesce(finish.bytes_from_device, audit.bytes_from_device) AS from_device
          FROM audit LEFT JOIN audit AS finish ON finish.connection = audit.id
          WHERE \(conditions.joined(separator: " AND ")) ORDER BY audit.id DESC
          """, arguments: arguments)
      var entries: [LogEntry] = []
      while entries.count < body.limit, let row = try rows.next() {
        if let visible, !((row["device"] as String?).map { visible.contains($0) } ?? false) { continue }
        entries.append(Self.entry(row))
      }
      let isWhole = entries.count < body.limit && visible == nil
      return (entries.reversed(), isWhole ? try Self.rotated(since: body.since, db) : 0)
    }
  }

  /// How many entries lie in files, if any of them is as young as that.
  private static func rotated(since: Timestamp?, _ db: Database) throws -> Int64 {
    try Int64.fetchOne(
      db, sql: "SELECT number FROM audit_rotated WHERE at_s >= ?", arguments: [since?.seconds ?? Int64.min]) ?? 0
  }

  /// The device that is called so now; `nil` where one was called so once.
  private static func identity(ofLogged name: DeviceName, for access: OperatorAccess, _ db: Database) throws
    -> DeviceID?
  {
    let isGone = try Bool.fetchOne(
      db,
      sql: """
        SELECT EXISTS (SELECT 1 FROM audit WHERE device_name = :name)
          AND NOT EXISTS (SELECT 1 FROM devices WHERE name = :name)
        """, arguments: ["name": name.rawValue])
    return isGone == true ? nil : try device(named: name, for: access, db).id
  }

  private static func entry(_ row: Row) -> LogEntry {
    LogEntry(
      at: Timestamp(seconds: row["at_s"]), actor: row["actor"], action: row["action"], device: row["device_name"],
      remoteAddress: row["remote_address"], duration_s: row["length_s"], bytesToDevice: row["to_device"],
      bytesFromDevice: row["from_device"], detail: (row["detail"] as String?).map { shortened($0) })
  }

  private static func shortened(_ detail: String) -> String {
    guard detail.utf8.count > longestDetail else { return detail }
    return String(decoding: detail.utf8.prefix(longestDetail), as: UTF8.self) + "..."
  }
}
