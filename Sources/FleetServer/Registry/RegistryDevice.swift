import FleetProtocol
import GRDB

/// A device as the registry holds it.
struct RegistryDevice: Hashable {
  var id: DeviceID
  var name: DeviceName
  var port: TCPPort
  var key: PublicKey
  /// The key that the device has made to replace `key`.
  var nextKey: PublicKey?
  /// Whether the device is asked to replace its key.
  var replacesKey: Bool
  var user: LoginName
  var tags: [String: String] = [:]
  var hostKeys: [PublicKey] = []
  var hostKeysFromFirstClaim: Bool
  /// When and by whom the host keys were recorded.
  var enrolled_s: Int64?
  var enrolledBy: String?
  var provisioned_s: Int64
  /// When it is removed unless it is seen before.
  var expires_s: Int64?
  var lastSeen_s: Int64?

  /// A row of `devices` joined with its lease. Throws for text that this program would not have written.
  init(_ row: Row) throws {
    guard let id = DeviceID(row["id"] as String), let port = TCPPort(row["port"] as Int64) else {
      throw Refusal(.registryDamaged, "the registry holds a device without identity or port")
    }
    self.id = id
    self.port = port
    name = try DeviceName(validating: row["name"] as String)
    key = try PublicKey(parsing: row["key"] as String)
    nextKey = try (row["next_key"] as String?).map { try PublicKey(parsing: $0) }
    replacesKey = row["replaces_key"]
    user = try LoginName(validating: row["user"] as String)
    hostKeysFromFirstClaim = row["host_keys_from_first_claim"]
    enrolled_s = row["enrolled_s"]
    enrolledBy = row["enrolled_by"]
    provisioned_s = row["provisioned_s"]
    expires_s = row["expires_s"]
    lastSeen_s = row["last_seen_s"]
  }
}

extension RegistryDevice {
  /// The keys by which the device is let in.
  var keys: [KeyFileText.Device] {
    let expires = expires_s.map { Timestamp(seconds: $0) }
    let present = KeyFileText.Device(
      id: id, port: port, key: key, standing: replacesKey ? .replace : .current, expires: expires)
    guard let nextKey else { return [present] }
    return [present, KeyFileText.Device(id: id, port: port, key: nextKey, standing: .next, expires: expires)]
  }
}

extension Registry {
  private static let selection = "SELECT devices.*, leases.port FROM devices JOIN leases ON leases.device = devices.id"

  /// All devices by name.
  func devices() throws(Refusal) -> [RegistryDevice] {
    try read { db in
      var devices = try Row.fetchAll(db, sql: Self.selection + " ORDER BY name").map { try RegistryDevice($0) }
      var positions: [String: Int] = [:]
      for (position, device) in devices.enumerated() { positions[device.id.rawValue] = position }
      for row in try Row.fetchAll(db, sql: "SELECT device, key, value FROM tags") {
        if let position = positions[row["device"]] { devices[position].tags[row["key"]] = row["value"] }
      }
      for row in try Row.fetchAll(db, sql: "SELECT device, key FROM host_keys ORDER BY device, position") {
        if let position = positions[row["device"]] {
          devices[position].hostKeys.append(try PublicKey(parsing: row["key"] as String))
        }
      }
      return devices
    }
  }

  /// The identities of the devices that an operator is let at; `nil` for all.
  static func identities(within access: OperatorAccess, _ db: Database) throws -> Set<String>? {
    guard !access.devices.isEverything else { return nil }
    return Set(try listedDevices(db).lazy.filter { access.means($0) }.map(\.id.rawValue))
  }

  /// Throws `no-such-device`, with the nearest names, or `denied`.
  func device(named name: DeviceName, for access: OperatorAccess = .everything) throws(Refusal) -> RegistryDevice {
    try read { db in try Self.device(named: name, for: access, db) }
  }

  static func device(named name: DeviceName, for access: OperatorAccess, _ db: Database) throws -> RegistryDevice {
    guard let row = try Row.fetchOne(db, sql: selection + " WHERE name = ?", arguments: [name.rawValue]) else {
      // The name of a device that somebody is not let at is no help to them.
      let names =
        access.devices.isEverything
        ? try String.fetchAll(db, sql: "SELECT name FROM devices ORDER BY name")
        : try listedDevices(db).filter { access.means($0) }.map(\.name.rawValue)
      throw NearestNames.refusal(noSuch: name, among: names)
    }
    let device = try complete(try RegistryDevice(row), db)
    try access.check(device.listed)
    return device
  }

  static func device(withKey key: PublicKey, _ db: Database) throws -> RegistryDevice? {
    let row = try Row.fetchOne(db, sql: selection + " WHERE devices.key = ?", arguments: [key.description])
    return try row.map { try complete(try RegistryDevice($0), db) }
  }

  /// Throws `no-such-device` for one that was removed.
  static func device(withID id: DeviceID, _ db: Database) throws -> RegistryDevice {
    guard let row = try Row.fetchOne(db, sql: selection + " WHERE devices.id = ?", arguments: [id.rawValue]) else {
      throw Refusal(.noSuchDevice, "this device was removed", hint: "provision the box again")
    }
    return try complete(try RegistryDevice(row), db)
  }

  private static func complete(_ device: RegistryDevice, _ db: Database) throws -> RegistryDevice {
    var device = device
    let id = device.id.rawValue
    for row in try Row.fetchAll(db, sql: "SELECT key, value FROM tags WHERE device = ?", arguments: [id]) {
      device.tags[row["key"]] = row["value"]
    }
    device.hostKeys = try String.fetchAll(
      db, sql: "SELECT key FROM host_keys WHERE device = ? ORDER BY position", arguments: [id]
    ).map { try PublicKey(parsing: $0) }
    return device
  }

  /// Whose keys open HostA, and what the devices among them are called.
  func renderedEntries(now_s: Int64) throws(Refusal) -> (entries: KeyFileEntries, names: [DeviceID: DeviceName]) {
    let entries = try read { try Self.keyFileEntries(now_s: now_s, $0) }
    let names = try listedDevices().map { ($0.id, $0.name) }
    return (entries, Dictionary(names) { first, _ in first })
  }

  /// Whose keys open HostA.
  static func keyFileEntries(now_s: Int64, _ db: Database) throws -> KeyFileEntries {
    KeyFileEntries(
      devices: try Row.fetchAll(db, sql: selection).flatMap { try RegistryDevice($0).keys },
      operators: try operators(db).map { KeyFileText.Operator(name: $0.name, key: $0.key) },
      enrollKeys: try answeredEnrollKeys(now_s: now_s, db))
  }
}
