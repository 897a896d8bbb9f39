import FleetProtocol
import GRDB

/// How devices change and leave after they were provisioned.
extension Registry {
  /// Gives a device another name; whether that changed anything. Throws `no-such-device`, `name-taken` or
  /// `denied`, as everything here does for a device that the actor is not let at, or would not be afterwards.
  func rename(_ name: DeviceName, to new: DeviceName, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Bool {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      guard new != name else { return false }
      try actor.access.checkResult(name: new, user: device.user, tags: device.tags)
      let isTaken = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM devices WHERE name = ?)", arguments: [new.rawValue])
      guard isTaken != true else {
        throw Refusal(.nameTaken, "there is a device \(new) already", hint: "choose another name")
      }
      try db.execute(
        sql: "UPDATE devices SET name = ? WHERE id = ?", arguments: [new.rawValue, device.id.rawValue])
      try Self.audit(.rename, device: device.id, name: name, by: actor, now_s: now_s, detail: "to \(new)", db)
      return true
    }
  }

  /// Removes tags, then sets others; all tags as they are now. Throws `no-such-device`, or `request-malformed` for
  /// more tags than a device may have.
  func tag(_ name: DeviceName, _ body: TagBody, by actor: AuditActor, now_s: Int64) throws(Refusal)
    -> [String: String]
  {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      var tags = device.tags.filter { !body.remove.contains($0.key) }
      tags.merge(body.set) { $1 }
      guard tags.count <= Limits.tags else {
        throw Refusal(
          .requestMalformed, "\(name) would have \(tags.count) tags, and may have \(Limits.tags)",
          hint: "remove some of them")
      }
      guard tags != device.tags else { return tags }
      try actor.access.checkResult(name: name, user: device.user, tags: tags)
      try db.execute(sql: "DELETE FROM tags WHERE device = ?", arguments: [device.id.rawValue])
      try Self.setTags(tags, of: device.id, db)
      let gone = device.tags.keys.filter { tags[$0] == nil }.sorted().map { "\($0)-" }
      let set = tags.filter { device.tags[$0.key] != $0.value }.map { "\($0.key)=\($0.value)" }.sorted()
      try Self.audit(
        .tag, device: device.id, name: name, by: actor, now_s: now_s, detail: (set + gone).joined(separator: " "), db)
      return tags
    }
  }

  /// What `replace` has done.
  struct Replacement {
    var device: RegistryDevice
    /// `false` when the key was the device's already: then this was done before, by a client that was not heard.
    var isNew: Bool
  }

  /// Gives the device to new hardware: another key in the place of the old one, host keys forgotten, never seen; name,
  /// port, history and tags stay, but for those that the body gives. Throws `no-such-device` or `key-taken`.
  func replace(_ name: DeviceName, body: ProvisionBody, by actor: AuditActor, now_s: Int64) throws(Refusal)
    -> Replacement
  {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      try actor.access.checkResult(name: name, user: body.user, tags: device.tags.merging(body.tags) { $1 })
      guard device.key != body.key else {
        try Self.provisionAgain(device, body: body, now_s: now_s, db)
        return Replacement(device: device, isNew: false)
      }
      // The device's own next key too: the old hardware holds it.
      if let holder = try Self.holder(of: body.key, db) { throw holder.taken }
      try db.execute(
        sql: """
          UPDATE devices SET key = ?, next_key = NULL, user = ?, host_keys_from_first_claim = ?, replaces_key = ?,
            expires_s = ?, provisioned_s = ?, provisioned_by = ?, enrolled_s = NULL, enrolled_by = NULL,
            last_seen_s = NULL, enroll_key = NULL
          WHERE id = ?
          """,
        arguments: [
          body.key.description, body.user.rawValue, body.hostKeysFromFirstClaim, body.replacesKey,
          body.expires_s.map { now_s + $0 }, now_s, actor.name, device.id.rawValue,
        ])
      try db.execute(sql: "DELETE FROM host_keys WHERE device = ?", arguments: [device.id.rawValue])
      try Self.setTags(body.tags, of: device.id, db)
      try Self.audit(
        .replace, device: device.id, name: name, by: actor, now_s: now_s, detail: "port \(device.port)", db)
      return Replacement(device: try Self.device(withID: device.id, db), isNew: true)
    }
  }

  /// Has the device asked to replace its key. Throws `no-such-device`.
  func rekey(_ name: DeviceName, by actor: AuditActor, now_s: Int64) throws(Refusal) -> RegistryDevice {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      try db.execute(sql: "UPDATE devices SET replaces_key = 1 WHERE id = ?", arguments: [device.id.rawValue])
      try Self.audit(.rekey, device: device.id, name: name, by: actor, now_s: now_s, db)
      return device
    }
  }

  /// Forgets the device; its port stays in quarantine for a day. Throws `no-such-device`.
  @discardableResult func removeDevice(_ name: DeviceName, by actor: AuditActor, now_s: Int64) throws(Refusal)
    -> RegistryDevice
  {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      try db.execute(
        sql: "DELETE FROM quarantine WHERE until_s BETWEEN ? AND ?", arguments: [now_s - WallClockRule.latest_s, now_s])
      try db.execute(
        sql: "INSERT OR REPLACE INTO quarantine (port, until_s) VALUES (?, ?)",
        arguments: [Int64(device.port.rawValue), now_s + LeasePolicy.quarantine_s])
      try db.execute(sql: "DELETE FROM devices WHERE id = ?", arguments: [device.id.rawValue])
      try Self.audit(.remove, device: device.id, name: name, by: actor, now_s: now_s, detail: "port \(device.port)", db)
      return device
    }
  }
}
