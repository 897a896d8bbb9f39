import FleetProtocol
import GRDB

/// Commands that wait for devices. Everybody has to do with their own only.
extension Registry {
  /// How long an entry stays that waits no more.
  private static let kept_s: Int64 = 7 * 86_400

  /// Queues the command for each of the devices, or for none. Throws `no-such-device` or `denied`.
  func addToQueue(_ body: QueueBody, by actor: AuditActor, now_s: Int64, newID: () -> QueueID) throws(Refusal)
    -> QueueID
  {
    try write { db in
      try db.execute(
        sql: """
          DELETE FROM queue
          WHERE COALESCE(taken_s, expires_s) < :old AND COALESCE(taken_s, expires_s) >= :old - :latest
          """, arguments: ["old": now_s - Self.kept_s, "latest": WallClockRule.latest_s])
      var id = newID()
      while try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM queue WHERE id = ?)", arguments: [id.rawValue])
        == true
      {
        id = newID()
      }
      // A device that was named twice gets the command once.
      for name in Set(body.devices).sorted() {
        let device = try Self.device(named: name, for: actor.access, db)
        try db.execute(
          sql: "INSERT INTO queue (id, device, operator, command, added_s, expires_s) VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [id.rawValue, device.id.rawValue, actor.name, body.command, now_s, now_s + body.expires_s])
        try Self.audit(.addToQueue, device: device.id, name: name, by: actor, now_s: now_s, detail: "\(id)", db)
      }
      return id
    }
  }

  /// The operator's own entries, for devices that they are let at, the oldest first.
  func queue(of actor: AuditActor, now_s: Int64) throws(Refusal) -> [QueuedCommand] {
    try read { db in
      let visible = try Self.identities(within: actor.access, db)
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT queue.*, devices.name FROM queue JOIN devices ON devices.id = queue.device
          WHERE operator = ? ORDER BY added_s, queue.id, devices.name
          """, arguments: [actor.name])
      return try rows.filter { visible?.contains($0["device"]) ?? true }
        .map { try Self.queuedCommand($0, now_s: now_s) }
        .filter { $0.state == .waiting || ($0.taken ?? $0.expires).seconds >= now_s - Self.kept_s }
    }
  }

  /// Hands the command out, once for each device. Throws `queued-command-gone`, `no-such-device` or `denied`.
  func takeFromQueue(_ id: QueueID, _ name: DeviceName, by actor: AuditActor, now_s: Int64) throws(Refusal) -> String {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      let command = try String.fetchOne(
        db,
        sql: """
          UPDATE queue SET taken_s = ? WHERE id = ? AND device = ? AND operator = ? AND taken_s IS NULL AND expires_s > ?
          RETURNING command
          """, arguments: [now_s, id.rawValue, device.id.rawValue, actor.name, now_s])
      guard let command else {
        throw Refusal(
          .queuedCommandGone,
          "nothing of yours waits as \(id) for \(name): it was taken, has run, expired or was cancelled",
          hint: "'fleet queue' shows what became of it")
      }
      try Self.audit(.takeFromQueue, device: device.id, name: name, by: actor, now_s: now_s, detail: "\(id)", db)
      return command
    }
  }

  /// Records how a command that was taken has ended; the first word stands. Throws `no-such-queued-command`,
  /// `no-such-device` or `denied`.
  func reportToQueue(_ id: QueueID, _ name: DeviceName, status: Int64, by actor: AuditActor, now_s: Int64)
    throws(Refusal)
  {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      let taken = try Row.fetchOne(
        db,
        sql: "SELECT status FROM queue WHERE id = ? AND device = ? AND operator = ? AND taken_s IS NOT NULL",
        arguments: [id.rawValue, device.id.rawValue, actor.name])
      guard let taken else {
        throw Refusal(
          .noSuchQueuedCommand, "you have taken nothing as \(id) for \(name)", hint: "'fleet queue' shows what waits")
      }
      guard (taken["status"] as Int64?) == nil else { return }
      try db.execute(
        sql: "UPDATE queue SET status = ? WHERE id = ? AND device = ?",
        arguments: [status, id.rawValue, device.id.rawValue])
      try Self.audit(
        .reportToQueue, device: device.id, name: name, by: actor, now_s: now_s, detail: "\(id), status \(status)", db)
    }
  }

  /// Takes out what waits; for how many devices. Throws `no-such-queued-command` where there is nothing of the operator's.
  func cancelInQueue(_ id: QueueID, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Int {
    try write { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT queue.*, devices.name FROM queue JOIN devices ON devices.id = queue.device
          WHERE queue.id = ? AND operator = ? ORDER BY devices.name
          """, arguments: [id.rawValue, actor.name])
      guard !rows.isEmpty else {
        throw Refusal(
          .noSuchQueuedCommand, "you have queued nothing as \(id)", hint: "'fleet queue' shows what waits")
      }
      let waiting = try rows.map { (id: $0["device"] as String, entry: try Self.queuedCommand($0, now_s: now_s)) }
        .filter { $0.entry.state == .waiting }
      for (device, entry) in waiting {
        try db.execute(sql: "DELETE FROM queue WHERE id = ? AND device = ?", arguments: [id.rawValue, device])
        try Self.audit(
          .cancelInQueue, device: DeviceID(device), name: entry.device, by: actor, now_s: now_s, detail: "\(id)", db)
      }
      return waiting.count
    }
  }

  private static func queuedCommand(_ row: Row, now_s: Int64) throws -> QueuedCommand {
    let taken_s: Int64? = row["taken_s"]
    let status: Int64? = row["status"]
    let expires_s: Int64 = row["expires_s"]
    return QueuedCommand(
      id: try QueueID(validating: row["id"] as String), device: try DeviceName(validating: row["name"] as String),
      command: row["command"],
      state: QueueState(isTaken: taken_s != nil, isReported: status != nil, isDue: expires_s <= now_s),
      added: Timestamp(seconds: row["added_s"]), expires: Timestamp(seconds: expires_s),
      taken: taken_s.map { Timestamp(seconds: $0) }, status: status)
  }
}

extension QueueState {
  /// A command that was taken in time may run longer than it would have waited.
  init(isTaken: Bool, isReported: Bool, isDue: Bool) {
    self = isReported ? .done : isTaken ? .taken : isDue ? .expired : .waiting
  }
}
