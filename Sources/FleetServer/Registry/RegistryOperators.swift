import FleetProtocol
import GRDB

/// The people whose keys may ask for the operator requests.
extension Registry {
  struct Operator: Hashable {
    var name: OperatorName
    var key: PublicKey
    var added_s: Int64
  }

  func operators() throws(Refusal) -> [Operator] { try read { try Self.operators($0) } }

  static func operators(_ db: Database) throws -> [Operator] {
    try Row.fetchAll(db, sql: "SELECT name, key, added_s FROM operators ORDER BY name").map { row in
      Operator(
        name: try OperatorName(validating: row["name"] as String), key: try PublicKey(parsing: row["key"] as String),
        added_s: row["added_s"])
    }
  }

  static func operatorName(withKey key: PublicKey, _ db: Database) throws -> String? {
    try String.fetchOne(db, sql: "SELECT name FROM operators WHERE key = ?", arguments: [key.description])
  }

  /// Throws `denied` when nobody of this name is an operator (any more).
  func requireOperator(_ name: OperatorName) throws(Refusal) {
    let isKnown = try read { db in
      try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM operators WHERE name = ?)", arguments: [name.rawValue])
    }
    guard isKnown == true else {
      throw Refusal(.denied, "\(name) is not an operator of this HostA", hint: "on HostA: fleet-server operator add")
    }
  }

  /// Whether that changed anything: the same name and key again do not. Throws `name-taken` or `key-taken`.
  func addOperator(_ name: OperatorName, key: PublicKey, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Bool {
    try write { db in
      switch try Self.holder(of: key, db) {
      case .operator(let holder)? where holder == name.rawValue: return false
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
      try db.execute(
        sql: "INSERT INTO operators (name, key, added_s) VALUES (?, ?, ?)",
        arguments: [name.rawValue, key.description, now_s])
      try Self.audit(.addOperator, by: actor, now_s: now_s, detail: name.rawValue, db)
      return true
    }
  }

  /// How many operators are left. Throws `no-such-operator`.
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
