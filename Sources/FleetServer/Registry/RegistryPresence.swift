import FleetProtocol
import GRDB

/// What the watch must know of a device.
struct WatchedDevice: Hashable {
  var id: DeviceID
  var port: TCPPort
  var lastSeen_s: Int64?
  /// Its host keys are taken from its first claim, which did not come yet.
  var awaitsHostKeys: Bool
  var expires_s: Int64?
}

/// When devices came and went.
extension Registry {
  /// All devices, without what only people ask for.
  func watchedDevices() throws(Refusal) -> [WatchedDevice] {
    try read { db in
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT devices.id, leases.port, devices.last_seen_s, devices.expires_s,
            devices.host_keys_from_first_claim AND NOT EXISTS (SELECT 1 FROM host_keys WHERE device = devices.id) AS awaits_host_keys
          FROM devices JOIN leases ON leases.device = devices.id
          """)
      var devices: [WatchedDevice] = []
      while let row = try rows.next() {
        guard let id = DeviceID(row["id"] as String), let port = TCPPort(row["port"] as Int64) else { continue }
        devices.append(
          WatchedDevice(
            id: id, port: port, lastSeen_s: row["last_seen_s"], awaitsHostKeys: row["awaits_host_keys"],
            expires_s: row["expires_s"]))
      }
      return devices
    }
  }

  /// Another number after another connection has changed the registry; only for this connection's own comparing.
  func changeCounter() throws(Refusal) -> Int64 {
    try read { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
  }

  /// The last outages of a device, latest first.
  func outages(of device: DeviceID) throws(Refusal) -> [Outage] {
    try read { db in
      let rows = try Row.fetchAll(
        db, sql: "SELECT at_s, online FROM presence WHERE device = ? ORDER BY id DESC LIMIT ?",
        arguments: [device.rawValue, 4 * ShowReply.outageLimit])
      return OutageHistory.outages(
        rows.map { PresenceTransition(device: device, isOnline: $0["online"], at_s: $0["at_s"]) })
    }
  }

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

  /// Makes it now where devices were seen in the future: the clock was ahead, and they were not seen after now.
  func mendFutureSights(now_s: Int64) throws(Refusal) {
    try write { db in
      try db.execute(sql: "UPDATE devices SET last_seen_s = ? WHERE last_seen_s > ?", arguments: [now_s, now_s])
    }
  }

  /// A device that was removed in between is left out. An end alone makes no device seen: it is the end of what stood
  /// in the place of new hardware.
  func record(_ transitions: [PresenceTransition]) throws(Refusal) {
    try write { db in
      for transition in transitions {
        try db.execute(
          sql: """
            UPDATE devices SET last_seen_s = MAX(COALESCE(last_seen_s, CASE WHEN ? THEN 0 END), ?) WHERE id = ?
            """,
          arguments: [transition.isOnline, transition.at_s, transition.device.rawValue])
        guard db.changesCount == 1 else { continue }
        try db.execute(
          sql: "INSERT INTO presence (device, at_s, online) VALUES (?, ?, ?)",
          arguments: [transition.device.rawValue, transition.at_s, transition.isOnline])
      }
    }
  }
}
