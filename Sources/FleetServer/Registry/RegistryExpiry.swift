import FleetProtocol
import GRDB

/// The devices that are removed unless they are seen.
extension Registry {
  struct Expiring: Hashable {
    var id: DeviceID
    var expires_s: Int64
    var lastSeen_s: Int64?
  }

  func expiring() throws(Refusal) -> [Expiring] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT id, expires_s, last_seen_s FROM devices WHERE expires_s IS NOT NULL")
        .compactMap { row in
          DeviceID(row["id"] as String).map {
            Expiring(id: $0, expires_s: row["expires_s"], lastSeen_s: row["last_seen_s"])
          }
        }
    }
  }

  /// Does what was decided of each device; of one that has changed since, nothing. The port of one that is removed is
  /// free at once: nobody ever listened on it. Returns whose key has gone.
  func expire(_ steps: [(device: Expiring, step: ExpiryRule.Step)], now_s: Int64) throws(Refusal) -> [DeviceID] {
    try write { db in
      var removed: [DeviceID] = []
      for (device, step) in steps where step != .wait {
        let arguments: StatementArguments = [device.id.rawValue, device.expires_s, device.lastSeen_s]
        let unchanged = "id = ? AND expires_s = ? AND last_seen_s IS ?"
        guard step == .remove else {
          try db.execute(sql: "UPDATE devices SET expires_s = NULL WHERE \(unchanged)", arguments: arguments)
          continue
        }
        guard
          let name = try String.fetchOne(db, sql: "SELECT name FROM devices WHERE \(unchanged)", arguments: arguments)
        else { continue }
        try db.execute(sql: "DELETE FROM devices WHERE id = ?", arguments: [device.id.rawValue])
        try Self.audit(
          .expire, device: device.id, name: try DeviceName(validating: name), by: .host, now_s: now_s, db)
        removed.append(device.id)
      }
      return removed
    }
  }
}
