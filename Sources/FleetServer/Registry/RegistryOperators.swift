import FleetProtocol
import GRDB

/// The people whose keys may ask for the operator requests.
extension Registry {
  struct Operator: Hashable {
    var name: OperatorName
    var key: PublicKey
    var added_s: Int64
    var access: OperatorAccess
  }

  /// What adding an operator has done.
  enum OperatorAddition: Hashable {
    case added
    /// The operator was there already, with another role or other devices.
    case changed
    case unchanged
  }

  func operators() throws(Refusal) -> [Operator] { try read { try Self.operators($0) } }

  static func operators(_ db: Database) throws -> [Operator] {
    try Row.fetchAll(db, sql: "SELECT * FROM operators ORDER BY name").map { row in
      Operator(
        name: try OperatorName(validating: row["name"] as String), key: try PublicKey(parsing: row["key"] as String),
        added_s: row["added_s"], access: try access(row))
    }
  }

  static func operatorName(withKey key: PublicKey, _ db: Database) throws -> String? {
    try String.fetchOne(db, sql: "SELECT name FROM operators WHERE key = ?", arguments: [key.description])
  }

  /// What the operator may do. Throws `denied` when nobody of this name is an operator (any more).
  func access(of name: OperatorName) throws(Refusal) -> OperatorAccess {
    let found = try read { db in
      try Row.fetchOne(db, sql: "SELECT role, devices FROM operators WHERE name = ?", arguments: [name.rawValue])
        .map { try Self.access($0) }
    }
    guard let found else {
      throw Refusal(.denied, "\(name) is not an operator of this HostA", hint: "on HostA: fleet-server operator add")
    }
    return found
  }

  /// Throws for text that this program would not have written: whoever it was meant to hold gets nothing.
  private static func access(_ row: Row) throws -> OperatorAccess {
    guard let role = OperatorRole(rawValue: row["role"]) else {
      throw Refusal(.registryDamaged, "the registry holds an operator with a role that is not known")
    }
    return OperatorAccess(
      role: role, devices: try DeviceSelector((row["devices"] as String).split(separator: " ").map { String($0) }))
  }

  /// The same name and key again change what is given of role and devices; a new operator is an admin who is let at every
  /// device unless something else is given. Throws `name-taken` or `key-taken`.
  func addOperator(
    _ name: OperatorName, key: PublicKey, role: OperatorRole? = nil, devices: DeviceSelector? = nil,
    by actor: AuditActor, now_s: Int64
  ) throws(Refusal) -> OperatorAddition {
    try write { db in
      switch try Self.holder(of: key, db) {
      case .operator(let holder)? where holder == name.rawValue:
        return try Self.changeOperator(name, role: role, devices: devices, by: actor, now_s: now_s, db)
      case let holder?: throw holder.taken
      case nil: break
      }
      let isTaken = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM operators WHERE name = ?)", arguments: [name.rawValue])
      guard isTaken != true else {
        throw Refusal(
          .nameTaken, "there is an operator \(name) already, with another key",
          hint: "remove that one first, or choose another name")
      }
      let access = OperatorAccess(role: role ?? .admin, devices: devices ?? .everything)
      try db.execute(
        sql: "INSERT INTO operators (name, key, added_s, role, devices) VALUES (?, ?, ?, ?, ?)",
        arguments: [name.rawValue, key.description, now_s, access.role.rawValue, access.devices.description])
      try Self.audit(.addOperator, by: actor, now_s: now_s, detail: Self.detail(name, access), db)
      return .added
    }
  }

  private static func changeOperator(
    _ name: OperatorName, role: OperatorRole?, devices: DeviceSelector?, by actor: AuditActor, now_s: Int64,
    _ db: Database
  ) throws -> OperatorAddition {
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM operators WHERE name = ?", arguments: [name.rawValue])
    else { return .unchanged }
    let before = try access(row)
    let after = OperatorAccess(role: role ?? before.role, devices: devices ?? before.devices)
    guard after != before else { return .unchanged }
    try db.execute(
      sql: "UPDATE operators SET role = ?, devices = ? WHERE name = ?",
      arguments: [after.role.rawValue, after.devices.description, name.rawValue])
    try audit(.changeOperator, by: actor, now_s: now_s, detail: detail(name, after), db)
    return .changed
  }

  private static func detail(_ name: OperatorName, _ access: OperatorAccess) -> String {
    "\(name), \(access.role.rawValue)" + (access.devices.isEverything ? "" : ", \(access.devices)")
  }

  /// How many operators are left. The operator's queued commands go with them. Throws `no-such-operator`.
  func removeOperator(_ name: OperatorName, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Int {
    try write { db in
      try db.execute(sql: "DELETE FROM operators WHERE name = ?", arguments: [name.rawValue])
      guard db.changesCount == 1 else {
        throw Refusal(.noSuchOperator, "there is no operator \(name)", hint: "see 'fleet-server operator list'")
      }
      try Self.audit(.removeOperator, by: actor, now_s: now_s, detail: name.rawValue, db)
      return try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM operators") ?? 0
    }
  }
}
