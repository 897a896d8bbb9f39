import FleetProtocol
import GRDB

/// Boxes that wait for an operator's word.
extension Registry {
  func waitingCount() throws(Refusal) -> Int {
    try read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM pending") ?? 0 }
  }

  /// All of them, who asked first at the front.
  func waitingBoxes() throws(Refusal) -> [PendingBox] {
    try read { db in
      var keys: [String: [PublicKey]] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT pending, key FROM pending_host_keys ORDER BY pending, position") {
        keys[row["pending"], default: []].append(try PublicKey(parsing: row["key"] as String))
      }
      return try Row.fetchAll(db, sql: "SELECT * FROM pending ORDER BY asked_s, name").map { row in
        try Self.box(row, hostKeys: keys[row["name"]] ?? [])
      }
    }
  }

  /// Makes a device of the box, under its own name or the one of `body`. Throws `no-such-device`, `name-taken` and
  /// `range-exhausted`.
  ///
  /// - Parameter refuse: throws for a key that must not enter the key file.
  func approve(
    _ name: DeviceName, body: ApproveBody, device: DeviceID, range: PortRange, portsInUse: Set<TCPPort>,
    by actor: AuditActor, now_s: Int64, refuse: (PublicKey) throws(Refusal) -> Void = { _ in }
  ) throws(Refusal) -> (name: DeviceName, lease: Lease) {
    try write { db in
      let box = try Self.waitingBox(name, db)
      try refuse(box.key)
      let enrollKey = try Self.enrollKey(box.enrollKey, db)
      let tags = enrollKey.tags.merging(body.tags) { $1 }
      guard tags.count <= Limits.tags else {
        throw Refusal(
          .requestMalformed, "the enroll key's tags and these are \(tags.count)",
          hint: "a device has at most \(Limits.tags) tags")
      }
      // Before the lease, which is refused to the key of a box that waits.
      try db.execute(sql: "DELETE FROM pending WHERE name = ?", arguments: [name.rawValue])
      let newName = body.name ?? name
      var ports = try Self.freePorts(range, inUse: portsInUse, now_s: now_s, db)
      let lease = try Self.admit(
        newName, key: box.key, hostKeys: box.hostKeys, user: body.user ?? enrollKey.user, tags: tags,
        enrollKey: enrollKey.id, id: device, ports: &ports, by: actor, now_s: now_s, db)
      try Self.audit(
        .approve, device: lease.device, name: newName, by: actor, now_s: now_s,
        detail: "enroll key \(enrollKey.id), waited as \(name)", db)
      return (newName, lease)
    }
  }

  /// The box is refused for as long as its enroll key is there. Throws `no-such-device`.
  func reject(_ name: DeviceName, by actor: AuditActor, now_s: Int64) throws(Refusal) {
    try write { db in
      let box = try Self.waitingBox(name, db)
      try db.execute(sql: "DELETE FROM pending WHERE name = ?", arguments: [name.rawValue])
      try db.execute(
        sql: "INSERT OR REPLACE INTO rejected (enroll_key, key) VALUES (?, ?)",
        arguments: [box.enrollKey.rawValue, box.key.description])
      try Self.audit(.reject, name: name, by: actor, now_s: now_s, detail: "enroll key \(box.enrollKey)", db)
    }
  }

  static func addWaiting(
    _ name: DeviceName, _ body: JoinBody, enrollKey: EnrollKeyID, from remoteAddress: String?, now_s: Int64,
    _ db: Database
  ) throws {
    try db.execute(
      sql: "INSERT INTO pending (name, key, enroll_key, facts, remote_address, asked_s) VALUES (?, ?, ?, ?, ?, ?)",
      arguments: [
        name.rawValue, body.key.description, enrollKey.rawValue, StoredMap.text(body.facts), remoteAddress, now_s,
      ])
    try setHostKeys(body.hostKeys, ofWaiting: name, db)
  }

  static func hostKeys(ofWaiting name: DeviceName, _ db: Database) throws -> [PublicKey] {
    try String.fetchAll(
      db, sql: "SELECT key FROM pending_host_keys WHERE pending = ? ORDER BY position", arguments: [name.rawValue]
    ).map { try PublicKey(parsing: $0) }
  }

  static func setHostKeys(_ keys: [PublicKey], ofWaiting name: DeviceName, _ db: Database) throws {
    for (position, key) in keys.enumerated() {
      try db.execute(
        sql: "INSERT INTO pending_host_keys (pending, position, key) VALUES (?, ?, ?)",
        arguments: [name.rawValue, position, key.description])
    }
  }

  private static func waitingBox(_ name: DeviceName, _ db: Database) throws -> PendingBox {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM pending WHERE name = ?", arguments: [name.rawValue]) else {
      let names = try String.fetchAll(db, sql: "SELECT name FROM pending ORDER BY name")
      let near = NearestNames.nearest(to: name.rawValue, among: names)
      throw Refusal(
        .noSuchDevice, "no box waits as \(name)",
        hint: near.isEmpty
          ? "'fleet list --pending' shows those that wait" : "these do: \(near.joined(separator: ", "))")
    }
    return try box(row, hostKeys: try hostKeys(ofWaiting: name, db))
  }

  private static func box(_ row: Row, hostKeys: [PublicKey]) throws -> PendingBox {
    PendingBox(
      name: try DeviceName(validating: row["name"] as String), key: try PublicKey(parsing: row["key"] as String),
      facts: try StoredMap.read(row["facts"]), hostKeys: hostKeys, remoteAddress: row["remote_address"],
      asked: Timestamp(seconds: row["asked_s"]), enrollKey: try EnrollKeyID(validating: row["enroll_key"] as String))
  }
}
