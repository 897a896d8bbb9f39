import FleetProtocol
import GRDB

/// How devices enter the registry, get their port and their host keys.
extension Registry {
  struct Lease: Hashable {
    var device: DeviceID
    var port: TCPPort
    /// `false` when the key held the lease already.
    var created: Bool
  }

  /// Leases a port to the key under this name; the same name and key again find the same lease, because a client
  /// that was cut off cannot know whether it was heard. Throws `name-taken`, `key-taken`, `range-exhausted`,
  /// and `denied` where the actor is not let at what the device is, or would be.
  func provision(
    _ name: DeviceName, body: ProvisionBody, id: DeviceID, range: PortRange, portsInUse: Set<TCPPort>,
    by actor: AuditActor, now_s: Int64
  ) throws(Refusal) -> Lease {
    try write { db in
      var ports = try Self.freePorts(range, inUse: portsInUse, now_s: now_s, db)
      return try Self.provision(name, body: body, id: id, ports: &ports, by: actor, now_s: now_s, db)
    }
  }

  /// The same inside a transaction that does more.
  static func provision(
    _ name: DeviceName, body: ProvisionBody, id: DeviceID, ports: inout FreePorts, by actor: AuditActor, now_s: Int64,
    _ db: Database
  ) throws -> Lease {
    switch try Self.holder(of: body.key, db) {
    case .device(let device)? where device.name == name:
      try actor.access.check(device.listed)
      try actor.access.checkResult(name: name, user: body.user, tags: device.tags.merging(body.tags) { $1 })
      try Self.provisionAgain(device, body: body, now_s: now_s, db)
      return Lease(device: device.id, port: device.port, created: false)
    case let holder?: throw holder.taken
    case nil: break
    }
    let isTaken = try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM devices WHERE name = ?)", arguments: [name.rawValue])
    if isTaken == true {
      throw Refusal(.nameTaken, "there is a device \(name) already, with another key", hint: "choose another name")
    }
    try actor.access.checkResult(name: name, user: body.user, tags: body.tags)
    let port = try ports.take()
    try db.execute(
      sql: """
        INSERT INTO devices (id, name, key, user, host_keys_from_first_claim, replaces_key, expires_s, provisioned_s,
          provisioned_by)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        id.rawValue, name.rawValue, body.key.description, body.user.rawValue, body.hostKeysFromFirstClaim,
        body.replacesKey, body.expires_s.map { now_s + $0 }, now_s, actor.name,
      ])
    try db.execute(
      sql: "INSERT INTO leases (port, device, leased_s) VALUES (?, ?, ?)",
      arguments: [Int64(port.rawValue), id.rawValue, now_s])
    try Self.setTags(body.tags, of: id, db)
    try Self.audit(.provision, device: id, name: name, by: actor, now_s: now_s, detail: "port \(port)", db)
    return Lease(device: id, port: port, created: true)
  }

  static func freePorts(_ range: PortRange, inUse: Set<TCPPort>, now_s: Int64, _ db: Database) throws -> FreePorts {
    // What was written while the clock was ahead would hold the port for as long.
    try db.execute(
      sql: "UPDATE quarantine SET until_s = :until WHERE until_s > :until",
      arguments: ["until": now_s + LeasePolicy.quarantine_s])
    return FreePorts(
      policy: LeasePolicy(range: range), leased: try ports(db, "SELECT port FROM leases"),
      quarantined: try ports(db, "SELECT port FROM quarantine WHERE until_s > \(now_s)"), inUse: inUse)
  }

  /// Records the keys of the device's own sshd in place of earlier ones; whether that changed anything. Throws
  /// `no-such-device`.
  func enroll(_ name: DeviceName, hostKeys: [PublicKey], by actor: AuditActor, now_s: Int64) throws(Refusal) -> Bool {
    try write { db in
      let device = try Self.device(named: name, for: actor.access, db)
      guard device.hostKeys != hostKeys else { return false }
      try Self.setHostKeys(hostKeys, of: device, by: actor, now_s: now_s, db)
      try Self.audit(.enroll, device: device.id, name: name, by: actor, now_s: now_s, db)
      return true
    }
  }

  /// Takes host keys that the device itself reported, only where its provisioning allowed that and none are known.
  func adopt(_ hostKeys: [PublicKey], for id: DeviceID, from remoteAddress: String?, now_s: Int64) throws(Refusal)
    -> Bool
  {
    try write { db in
      guard let name = try String.fetchOne(db, sql: "SELECT name FROM devices WHERE id = ?", arguments: [id.rawValue])
      else { return false }
      let device = try Self.device(named: try DeviceName(validating: name), for: .everything, db)
      guard device.hostKeysFromFirstClaim, device.hostKeys.isEmpty, !hostKeys.isEmpty else { return false }
      let actor = AuditActor.device(from: remoteAddress)
      try Self.setHostKeys(hostKeys, of: device, by: actor, now_s: now_s, db)
      try Self.audit(.adoptHostKeys, device: id, name: device.name, by: actor, now_s: now_s, db)
      return true
    }
  }

  private static func ports(_ db: Database, _ sql: String) throws -> Set<TCPPort> {
    Set(try Int64.fetchAll(db, sql: sql).compactMap { TCPPort($0) })
  }

  /// What a later request with the same key changes: nothing that it does not speak of. An expiry counts anew.
  static func provisionAgain(_ device: RegistryDevice, body: ProvisionBody, now_s: Int64, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE devices SET user = ?, replaces_key = MAX(replaces_key, ?),
          expires_s = CASE WHEN last_seen_s IS NULL THEN ? END
        WHERE id = ?
        """,
      arguments: [body.user.rawValue, body.replacesKey, body.expires_s.map { now_s + $0 }, device.id.rawValue])
    try setTags(body.tags, of: device.id, db)
  }

  static func setTags(_ tags: [String: String], of device: DeviceID, _ db: Database) throws {
    for (key, value) in tags {
      try db.execute(
        sql: "INSERT OR REPLACE INTO tags (device, key, value) VALUES (?, ?, ?)",
        arguments: [device.rawValue, key, value])
    }
  }

  static func setHostKeys(
    _ keys: [PublicKey], of device: RegistryDevice, by actor: AuditActor, now_s: Int64, _ db: Database
  ) throws {
    try db.execute(sql: "DELETE FROM host_keys WHERE device = ?", arguments: [device.id.rawValue])
    for (position, key) in keys.enumerated() {
      try db.execute(
        sql: "INSERT INTO host_keys (device, position, key) VALUES (?, ?, ?)",
        arguments: [device.id.rawValue, position, key.description])
    }
    try db.execute(
      sql: "UPDATE devices SET enrolled_s = ?, enrolled_by = ? WHERE id = ?",
      arguments: [now_s, actor.name, device.id.rawValue])
  }
}
