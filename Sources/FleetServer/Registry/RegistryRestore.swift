import FleetProtocol
import GRDB

/// How a registry that came from a backup is brought to what the key file says.
extension Registry {
  /// Does the steps and writes them and the restore into the audit. `user` is the login on devices that are recovered.
  func apply(_ steps: [RestoreRule.Step], backup made: Timestamp, user: LoginName, now_s: Int64) throws(Refusal) {
    try write { db in
      try Self.audit(.restore, by: .host, now_s: now_s, detail: "backup of \(made)", db)
      for step in steps { try Self.apply(step, user: user, now_s: now_s, db) }
      let recovered = steps.count { if case .recover = $0 { true } else { false } }
      // Each of them may have come by any enroll key: none lets in more boxes than it was made for.
      try db.execute(sql: "UPDATE enroll_keys SET used = MIN(uses, used + ?)", arguments: [recovered])
    }
  }

  private static func apply(_ step: RestoreRule.Step, user: LoginName, now_s: Int64, _ db: Database) throws {
    var device: DeviceID?
    var name: DeviceName?
    switch step {
    case .recover(let keys, let new):
      (device, name) = (keys.id, new)
      let texts = [keys.key.description, keys.nextKey?.description]
      // A box that was approved since the backup waits no more.
      try db.execute(sql: "DELETE FROM pending WHERE key IN (?, ?)", arguments: StatementArguments(texts))
      try db.execute(sql: "DELETE FROM quarantine WHERE port = ?", arguments: [Int64(keys.port.rawValue)])
      try db.execute(
        sql: """
          INSERT INTO devices (id, name, key, next_key, user, host_keys_from_first_claim, replaces_key, expires_s,
            provisioned_s, provisioned_by)
          VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, 'host')
          """,
        arguments: [
          keys.id.rawValue, new.rawValue, texts[0], texts[1], user.rawValue, keys.replacesKey, keys.expires?.seconds,
          now_s,
        ])
      try db.execute(
        sql: "INSERT INTO leases (port, device, leased_s) VALUES (?, ?, ?)",
        arguments: [Int64(keys.port.rawValue), keys.id.rawValue, now_s])
    case .takeKeys(let keys, let old):
      (device, name) = (keys.id, old)
      try db.execute(
        sql: "UPDATE devices SET key = ?, next_key = ?, replaces_key = ?, expires_s = ? WHERE id = ?",
        arguments: [
          keys.key.description, keys.nextKey?.description, keys.replacesKey, keys.expires?.seconds, keys.id.rawValue,
        ])
    case .drop(let id, let old, let port):
      (device, name) = (id, old)
      try db.execute(
        sql: "INSERT OR REPLACE INTO quarantine (port, until_s) VALUES (?, ?)",
        arguments: [Int64(port.rawValue), now_s + LeasePolicy.quarantine_s])
      try db.execute(sql: "DELETE FROM devices WHERE id = ?", arguments: [id.rawValue])
    case .recoverOperator(let name, let key):
      // What they may do is not known, so it is the least.
      try db.execute(
        sql: """
          INSERT INTO operators (name, key, added_s, role) VALUES (?1, ?2, ?3, ?4)
          ON CONFLICT (name) DO UPDATE SET key = ?2, added_s = ?3, role = ?4, devices = ''
          """, arguments: [name.rawValue, key.description, now_s, OperatorRole.viewer.rawValue])
    case .dropOperator(let name):
      try db.execute(sql: "DELETE FROM operators WHERE name = ?", arguments: [name.rawValue])
    case .dropEnrollKey(let id):
      try db.execute(sql: "DELETE FROM enroll_keys WHERE id = ?", arguments: [id.rawValue])
    case .loseEnrollKey: break
    }
    try audit(.restore, device: device, name: name, by: .host, now_s: now_s, detail: step.sentence, db)
  }
}
