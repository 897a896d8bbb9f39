import FleetProtocol
import GRDB

/// Whose a key is, and how a device's key is replaced.
extension Registry {
  /// Who has a key. One key speaks for one of them only, because the first line of the key file that has it wins.
  enum KeyHolder {
    case `operator`(String)
    case device(RegistryDevice)
    /// The device is replacing its key by this one.
    case nextOf(String)
    case enrollKey(String)
    /// A box of this name waits for approval.
    case waiting(String)

    /// What is said to somebody else who wants the key.
    var taken: Refusal {
      switch self {
      case .operator(let name):
        Refusal(.keyTaken, "the key is the operator \(name)'s", hint: "make a key of its own")
      case .device(let device):
        Refusal(.keyTaken, "the key belongs to the device \(device.name)", hint: "make a key of its own")
      case .nextOf(let name):
        Refusal(.keyTaken, "the key is the next one of the device \(name)", hint: "make a key of its own")
      case .enrollKey(let id):
        Refusal(.keyTaken, "the key is the enroll key \(id)", hint: "make a key of its own")
      case .waiting(let name):
        Refusal(.keyTaken, "the key is the box \(name)'s, which waits for approval", hint: "make a key of its own")
      }
    }
  }

  /// `nil` for a key that nobody has.
  static func holder(of key: PublicKey, _ db: Database) throws -> KeyHolder? {
    if let name = try operatorName(withKey: key, db) { return .operator(name) }
    if let device = try device(withKey: key, db) { return .device(device) }
    let text = key.description
    if let name = try String.fetchOne(db, sql: "SELECT name FROM devices WHERE next_key = ?", arguments: [text]) {
      return .nextOf(name)
    }
    if let id = try String.fetchOne(db, sql: "SELECT id FROM enroll_keys WHERE key = ?", arguments: [text]) {
      return .enrollKey(id)
    }
    return try String.fetchOne(db, sql: "SELECT name FROM pending WHERE key = ?", arguments: [text])
      .map { .waiting($0) }
  }

  /// Takes one step in the replacement of a device's key. Throws `no-such-device`, `key-taken`, or `request-refused`
  /// for a connection whose key has no say in it.
  func rotateKey(
    of id: DeviceID, to key: PublicKey, standing: DeviceKeyStanding, from remoteAddress: String?, now_s: Int64
  ) throws(Refusal) -> KeyRotationRule.Step {
    try write { db in
      let device = try Self.device(withID: id, db)
      let step = KeyRotationRule.step(standing: standing, asked: key, current: device.key, next: device.nextKey)
      let actor = AuditActor.device(from: remoteAddress)
      switch step {
      case .stay, .done: break
      case .refuse:
        throw Refusal(
          .requestRefused, "the key of this connection is not the device's yet",
          hint: "ask to rotate to the key that opened the connection")
      case .admit:
        if let holder = try Self.holder(of: key, db) { throw holder.taken }
        try db.execute(
          sql: "UPDATE devices SET next_key = ? WHERE id = ?", arguments: [key.description, id.rawValue])
        try Self.audit(.rotateKey, device: id, name: device.name, by: actor, now_s: now_s, detail: "asked", db)
      case .promote:
        try db.execute(
          sql: "UPDATE devices SET key = next_key, next_key = NULL, replaces_key = 0, expires_s = NULL WHERE id = ?",
          arguments: [id.rawValue])
        try Self.audit(.rotateKey, device: id, name: device.name, by: actor, now_s: now_s, detail: "done", db)
      }
      return step
    }
  }
}
