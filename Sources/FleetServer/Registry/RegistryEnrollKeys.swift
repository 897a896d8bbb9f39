import FleetProtocol
import GRDB

/// An enroll key as the registry holds it.
struct RegistryEnrollKey: Hashable {
  var id: EnrollKeyID
  var key: PublicKey
  var pattern: NamePattern
  var user: LoginName
  var tags: [String: String]
  var uses: Int64
  var used: Int64
  var autoApprove: Bool
  var createdBy: String
  var expires_s: Int64

  /// Throws for text that this program would not have written.
  init(_ row: Row) throws {
    id = try EnrollKeyID(validating: row["id"] as String)
    key = try PublicKey(parsing: row["key"] as String)
    pattern = try NamePattern(validating: row["pattern"] as String)
    user = try LoginName(validating: row["user"] as String)
    tags = try StoredMap.read(row["tags"])
    uses = row["uses"]
    used = row["used"]
    autoApprove = row["auto_approve"]
    createdBy = row["created_by"]
    expires_s = row["expires_s"]
  }

  var status: EnrollKeyStatus {
    EnrollKeyStatus(
      id: id, pattern: pattern, user: user, uses: uses, used: used, expires: Timestamp(seconds: expires_s),
      autoApprove: autoApprove, createdBy: createdBy)
  }
}

/// The keys that golden images carry.
extension Registry {
  /// The same key with the same meaning again is the same enroll key, because a client that was cut off cannot know
  /// whether it was heard. Throws `key-taken`.
  func createEnrollKey(_ body: EnrollKeyBody, id: EnrollKeyID, by actor: AuditActor, now_s: Int64) throws(Refusal)
    -> EnrollKeyID
  {
    try write { db in
      let same = try Row.fetchOne(
        db, sql: "SELECT * FROM enroll_keys WHERE key = ?", arguments: [body.key.description]
      ).map { try RegistryEnrollKey($0) }
      if let same, same.pattern == body.pattern, same.user == body.user, same.tags == body.tags,
        same.uses == body.uses, same.autoApprove == body.autoApprove
      {
        return same.id
      }
      if let holder = try Self.holder(of: body.key, db) { throw holder.taken }
      try db.execute(
        sql: """
          INSERT INTO enroll_keys (id, key, pattern, user, tags, uses, auto_approve, created_s, created_by, expires_s)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id.rawValue, body.key.description, body.pattern.text, body.user.rawValue, StoredMap.text(body.tags),
          body.uses, body.autoApprove, now_s, actor.name, now_s + body.expires_s,
        ])
      try Self.audit(
        .createEnrollKey, by: actor, now_s: now_s,
        detail: "enroll key \(id), \(body.pattern), uses \(body.uses)\(body.autoApprove ? ", approves by itself" : "")",
        db)
      return id
    }
  }

  /// All enroll keys, the oldest first.
  func enrollKeys() throws(Refusal) -> [RegistryEnrollKey] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM enroll_keys ORDER BY created_s, id").map { try RegistryEnrollKey($0) }
    }
  }

  /// Throws `no-such-enroll-key`.
  static func enrollKey(_ id: EnrollKeyID, _ db: Database) throws -> RegistryEnrollKey {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM enroll_keys WHERE id = ?", arguments: [id.rawValue]) else {
      throw Refusal(
        .noSuchEnrollKey, "there is no enroll key \(id)", hint: "'fleet enroll-key list' shows those that there are")
    }
    return try RegistryEnrollKey(row)
  }

  /// Takes the enroll key out, and with it the boxes that wait. Throws `no-such-enroll-key`.
  func removeEnrollKey(_ id: EnrollKeyID, by actor: AuditActor, now_s: Int64) throws(Refusal) {
    try write { db in
      _ = try Self.enrollKey(id, db)
      try db.execute(sql: "DELETE FROM enroll_keys WHERE id = ?", arguments: [id.rawValue])
      try Self.audit(.removeEnrollKey, by: actor, now_s: now_s, detail: "enroll key \(id)", db)
    }
  }

  /// The enroll keys that still open HostA: those with which a new box may join, or a box has yet to hear what became
  /// of it. A device has heard it when it was seen.
  static func answeredEnrollKeys(now_s: Int64, _ db: Database) throws -> [KeyFileText.EnrollKey] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT id, key FROM enroll_keys WHERE (expires_s > ? AND used < uses)
          OR EXISTS (SELECT 1 FROM pending WHERE enroll_key = enroll_keys.id)
          OR EXISTS (SELECT 1 FROM rejected WHERE enroll_key = enroll_keys.id AND NOT heard)
          OR EXISTS (SELECT 1 FROM devices WHERE enroll_key = enroll_keys.id AND last_seen_s IS NULL)
        """, arguments: [now_s]
    ).map { row in
      KeyFileText.EnrollKey(
        id: try EnrollKeyID(validating: row["id"] as String), key: try PublicKey(parsing: row["key"] as String))
    }
  }
}

/// A map of strings as one column holds it.
enum StoredMap {
  static func text(_ map: [String: String]) -> String { JSON.object(["map": JSON(map)]).text }

  static func read(_ text: String) throws -> [String: String] {
    guard case .object(let object) = try JSON(parsing: text, limit: 8 * Limits.line) else {
      throw JSONError("not an object")
    }
    return try object.stringMap("map", count: .max, limit: .max)
  }
}
