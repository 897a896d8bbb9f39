import FleetProtocol
import GRDB

/// What has become of a box that asks to join.
enum JoinOutcome: Hashable {
  case waiting(DeviceName, since_s: Int64)
  case approved(DeviceID, DeviceName, TCPPort)
  case rejected

  /// Whether the key file must name the box.
  var concernsKeyFile: Bool {
    if case .approved = self { true } else { false }
  }
}

/// How boxes that carry an enroll key ask to become devices.
extension Registry {
  /// A key counts once, however often its box asks; a box that is known learns what became of it also when the enroll
  /// key is spent. Throws `no-such-enroll-key`, `enroll-key-expired`, `enroll-key-used-up`, `key-taken` and
  /// `range-exhausted`.
  ///
  /// - Parameter portsInUse: asked for only when a port is leased.
  func join(
    _ body: JoinBody, with id: EnrollKeyID, device: DeviceID, range: PortRange, portsInUse: () -> Set<TCPPort>,
    from remoteAddress: String?, now_s: Int64
  ) throws(Refusal) -> JoinOutcome {
    try write { db in
      let enrollKey = try Self.enrollKey(id, db)
      if let known = try Self.outcome(for: body, enrollKey: id, db) { return known }
      if let holder = try Self.holder(of: body.key, db) { throw holder.taken }
      try Self.refuseSpent(enrollKey, now_s: now_s)
      let actor = AuditActor.device(from: remoteAddress)
      let name = try Self.freeName(enrollKey.pattern, facts: body.facts, db)
      try db.execute(sql: "UPDATE enroll_keys SET used = used + 1 WHERE id = ?", arguments: [id.rawValue])
      try Self.audit(.join, name: name, by: actor, now_s: now_s, detail: "enroll key \(id)", db)
      guard enrollKey.autoApprove else {
        try Self.addWaiting(name, body, enrollKey: id, from: remoteAddress, now_s: now_s, db)
        return .waiting(name, since_s: now_s)
      }
      var ports = try Self.freePorts(range, inUse: portsInUse(), now_s: now_s, db)
      let lease = try Self.admit(
        name, key: body.key, hostKeys: body.hostKeys, user: enrollKey.user, tags: enrollKey.tags, enrollKey: id,
        id: device, ports: &ports, by: actor, now_s: now_s, db)
      return .approved(lease.device, name, lease.port)
    }
  }

  /// Leases a port to a box that joined and records its host keys.
  static func admit(
    _ name: DeviceName, key: PublicKey, hostKeys: [PublicKey], user: LoginName, tags: [String: String],
    enrollKey: EnrollKeyID, id: DeviceID, ports: inout FreePorts, by actor: AuditActor, now_s: Int64, _ db: Database
  ) throws -> Lease {
    let body = ProvisionBody(key: key, user: user, tags: tags, hostKeysFromFirstClaim: hostKeys.isEmpty)
    let lease = try provision(name, body: body, id: id, ports: &ports, by: actor, now_s: now_s, db)
    try db.execute(
      sql: "UPDATE devices SET enroll_key = ? WHERE id = ?", arguments: [enrollKey.rawValue, lease.device.rawValue])
    if !hostKeys.isEmpty {
      try setHostKeys(hostKeys, of: try device(named: name, for: actor.access, db), by: actor, now_s: now_s, db)
    }
    return lease
  }

  /// What a box that asked before learns; `nil` for one that did not.
  private static func outcome(for body: JoinBody, enrollKey id: EnrollKeyID, _ db: Database) throws -> JoinOutcome? {
    let arguments: StatementArguments = [body.key.description, id.rawValue]
    if let row = try Row.fetchOne(
      db,
      sql: """
        SELECT devices.id, devices.name, leases.port FROM devices JOIN leases ON leases.device = devices.id
        WHERE devices.key = ? AND devices.enroll_key = ?
        """, arguments: arguments)
    {
      guard let device = DeviceID(row["id"] as String), let port = TCPPort(row["port"] as Int64) else {
        throw Refusal(.registryDamaged, "the registry holds a device without identity or port")
      }
      return .approved(device, try DeviceName(validating: row["name"] as String), port)
    }
    if let row = try Row.fetchOne(
      db, sql: "SELECT name, asked_s FROM pending WHERE key = ? AND enroll_key = ?", arguments: arguments)
    {
      let name = try DeviceName(validating: row["name"] as String)
      // On its first boot a box may ask before its sshd has made keys. Keys that somebody may have compared stay.
      if try hostKeys(ofWaiting: name, db).isEmpty { try setHostKeys(body.hostKeys, ofWaiting: name, db) }
      return .waiting(name, since_s: row["asked_s"])
    }
    try db.execute(sql: "UPDATE rejected SET heard = 1 WHERE key = ? AND enroll_key = ?", arguments: arguments)
    return db.changesCount == 1 ? .rejected : nil
  }

  private static func refuseSpent(_ enrollKey: RegistryEnrollKey, now_s: Int64) throws(Refusal) {
    if now_s >= enrollKey.expires_s {
      throw Refusal(
        .enrollKeyExpired, "the enroll key \(enrollKey.id) expired at \(Timestamp(seconds: enrollKey.expires_s))",
        hint: "make a new image with 'fleet enroll-key create'")
    }
    if enrollKey.used >= enrollKey.uses {
      throw Refusal(
        .enrollKeyUsedUp, "the enroll key \(enrollKey.id) is for \(enrollKey.uses), and as many boxes have joined",
        hint: "make a new image with 'fleet enroll-key create'")
    }
  }

  /// The pattern's name for the box, with the first number under which nobody is known or waits.
  private static func freeName(_ pattern: NamePattern, facts: [String: String], _ db: Database) throws -> DeviceName {
    var number = 1
    while true {
      let name = pattern.name(facts: facts, number: number)
      let isTaken = try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (SELECT 1 FROM devices WHERE name = ?1) OR EXISTS (SELECT 1 FROM pending WHERE name = ?1)
          """, arguments: [name.rawValue])
      if isTaken != true { return name }
      number += 1
    }
  }
}
