import FleetProtocol
import GRDB

/// When devices came and went.
extension Registry {
  /// The devices whose last recorded transition says online.
  func devicesRecordedOnline() throws(Refusal) -> Set<DeviceID> {
    try read { db in
      let ids = try String.fetchAll(
        db,
        sql: """
          SELECT device FROM presence WHERE id IN (SELECT MAX(id) FROM presence GROUP BY device) AND online = 1
          """)
      return Set(ids.compactMap { DeviceID($0) })
    }
  }

  /// A device that was removed in between is left out.
  func record(_ transitions: [PresenceTransition]) throws(Refusal) {
    try write { db in
      for transition in transitions {
        try db.execute(
          sql: """
            UPDATE devices SET last_seen_s = MAX(COALESCE(last_seen_s, 0), ?) WHERE id = ?
            """,
          arguments: [transition.at_s, transition.device.rawValue])
        guard db.changesCount == 1 else { continue }
        try db.execute(
          sql: "INSERT INTO presence (device, at_s, online) VALUES (?, ?, ?)",
          arguments: [transition.device.rawValue, transition.at_s, transition.isOnline])
      }
    }
  }
}
