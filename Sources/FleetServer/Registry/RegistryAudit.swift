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
  case addToQueue = "queue-add"
  case takeFromQueue = "queue-take"
  case reportToQueue = "queue-done"
  case cancelInQueue = "queue-cancel"
  case restore
}

/// Who did what and when. Rows are only ever added.
extension Registry {
  static func audit(
    _ action: AuditAction, device: DeviceID? = nil, name: DeviceName? = nil, by actor: AuditActor, now_s: Int64,
    detail: String? = nil, _ db: Database
  ) throws {
    try db.execute(
      sql: """
        INSERT INTO audit (at_s, actor, action, device, device_name, remote_address, detail)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [now_s, actor.name, action.rawValue, device?.rawValue, name?.rawValue, actor.remoteAddress, detail])
  }

  /// Writes that an operator's session to a device begins; the row's number, for `auditDisconnect`.
  func auditConnect(_ device: RegistryDevice, by actor: AuditActor, now_s: Int64) throws(Refusal) -> Int64 {
    try write { db in
      try Self.audit(.connect, device: device.id, name: device.name, by: actor, now_s: now_s, db)
      return db.lastInsertedRowID
    }
  }

  func auditDisconnect(
    _ device: RegistryDevice, by actor: AuditActor, connection: Int64, duration_s: Int64, bytesToDevice: Int64,
    bytesFromDevice: Int64, now_s: Int64
  ) throws(Refusal) {
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO audit (at_s, actor, action, device, device_name, remote_address, connection, duration_s,
            bytes_to_device, bytes_from_device)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          now_s, actor.name, AuditAction.disconnect.rawValue, device.id.rawValue, device.name.rawValue,
          actor.remoteAddress, connection, duration_s, bytesToDevice, bytesFromDevice,
        ])
    }
  }
}
