import FleetProtocol
import GRDB

/// Who did something: an operator, `device`, or `host` for HostA and whoever is at its command line.
struct AuditActor: Hashable {
  var name: String
  /// Where they came from, `nil` at HostA itself.
  var remoteAddress: String?
  /// What they may do, and to which devices; every change of the registry asks it.
  var access: OperatorAccess = .everything

  /// Someone with a shell on HostA, or HostA itself.
  static let host = AuditActor(name: "host", remoteAddress: nil)

  /// A device, by its own key.
  static func device(from remoteAddress: String?) -> AuditActor {
    AuditActor(name: "device", remoteAddress: remoteAddress)
  }
}

/// What an audit row is about. The spelling stands in the registry for ever.
enum AuditAction: String {
  case provision
  case enroll
  case adoptHostKeys = "adopt-host-keys"
  case rename
  case tag
  case replace
  case rekey
  case rotateKey = "rotate-key"
  case remove
  case expire
  case createEnrollKey = "enroll-key-create"
  case removeEnrollKey = "enroll-key-remove"
  case join
  case approve
  case reject
  case connect
  case disconnect
  case addOperator = "operator-add"
  case changeOperator = "operator-change"
  case removeOperator = "operator-remove"
  /// The registry was brought back from a backup.
  case restore
  case addToQueue = "queue-add"
  case takeFromQueue = "queue-take"
  case reportToQueue = "queue-done"
  case cancelInQueue = "queue-cancel"
}

/// Who did what and when. Rows are only ever added, each chained to the one before.
extension Registry {
  /// The longest detail in bytes; a line of the audit with one of these is never longer than a laptop takes.
  private static let longestDetail = Limits.auditLine / 8

  /// Returns the entry's number.
  @discardableResult static func audit(
    _ action: AuditAction, device: DeviceID? = nil, name: DeviceName? = nil, by actor: AuditActor, now_s: Int64,
    detail: String? = nil, _ db: Database
  ) throws -> Int64 {
    let entry = AuditEntry(
      number: 0, at: Timestamp(seconds: now_s), actor: actor.name, action: action.rawValue, device: device?.rawValue,
      name: name?.rawValue, remoteAddress: actor.remoteAddress, detail: detail)
    return try append(entry, db)
  }

  /// Writes that an operator's session to a device begins; the entry's number, for `auditDisconnect`.
  func auditConnect(_ device: RegistryDevice, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Int64 {
    try write { db in
      try Self.audit(.connect, device: device.id, name: device.name, by: actor, now_s: now_s, db)
    }
  }

  func auditDisconnect(
    _ device: RegistryDevice, by actor: AuditActor, connection: Int64, duration_s: Int64, bytesToDevice: Int64,
    bytesFromDevice: Int64, now_s: Int64
  ) throws(Refusal) {
    let entry = AuditEntry(
      number: 0, at: Timestamp(seconds: now_s), actor: actor.name, action: AuditAction.disconnect.rawValue,
      device: device.id.rawValue, name: device.name.rawValue, remoteAddress: actor.remoteAddress,
      connection: connection, duration_s: duration_s, bytesToDevice: bytesToDevice, bytesFromDevice: bytesFromDevice)
    try write { db in _ = try Self.append(entry, db) }
  }

  /// Adds the entry behind the last one, whatever number it has; the one that it gets. The caller holds the write lock.
  private static func append(_ entry: AuditEntry, _ db: Database) throws -> Int64 {
    let head = try auditHead(db)
    var entry = entry
    entry.number = head.number + 1
    if let detail = entry.detail, detail.utf8.count > longestDetail {
      entry.detail = String(decoding: detail.utf8.prefix(longestDetail), as: UTF8.self)
    }
    _ = try insert(entry, after: head, into: "audit", db)
    return entry.number
  }

  /// Writes the entry as it is; where the chain has come to with it.
  static func insert(_ entry: AuditEntry, after head: AuditHead, into table: String, _ db: Database) throws -> AuditHead
  {
    let hash = head.hash(ofNext: entry.text)
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO \(table) (id, at_s, actor, action, device, device_name, remote_address, connection, duration_s,
          bytes_to_device, bytes_from_device, detail, hash)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    try statement.execute(arguments: [
      entry.number, entry.at.seconds, entry.actor, entry.action, entry.device, entry.name, entry.remoteAddress,
      entry.connection, entry.duration_s, entry.bytesToDevice, entry.bytesFromDevice, entry.detail, hash,
    ])
    return AuditHead(number: entry.number, hash: hash)
  }

  /// The last entry, which is the last of the files where no row is left.
  static func auditHead(_ db: Database) throws -> AuditHead {
    let last = try db.cachedStatement(sql: "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")
    if let row = try Row.fetchOne(last) { return AuditHead(number: row[0], hash: row[1]) }
    return try rotatedHead(db)
  }

  /// The last entry that lies in a file.
  static func rotatedHead(_ db: Database) throws -> AuditHead {
    guard let row = try Row.fetchOne(db, sql: "SELECT number, hash FROM audit_rotated") else { return .beginning }
    return AuditHead(number: row[0], hash: row[1])
  }
}

extension AuditEntry {
  /// A row of the audit.
  init(_ row: Row) {
    self.init(
      number: row["id"], at: Timestamp(seconds: row["at_s"]), actor: row["actor"], action: row["action"],
      device: row["device"], name: row["device_name"], remoteAddress: row["remote_address"],
      connection: row["connection"], duration_s: row["duration_s"], bytesToDevice: row["bytes_to_device"],
      bytesFromDevice: row["bytes_from_device"], detail: row["detail"])
  }
}
