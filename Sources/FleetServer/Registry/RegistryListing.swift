import FleetProtocol
import GRDB

/// A device as `list` and `show` tell it: without its keys, which would take most of the time of reading it.
struct ListedDevice: Hashable {
  var id: DeviceID
  var name: DeviceName
  var port: TCPPort
  var user: LoginName
  var tags: [String: String] = [:]
  var isEnrolled: Bool
  /// Its host keys are taken from its first claim, which did not come yet.
  var awaitsHostKeys: Bool
  var provisioned_s: Int64
  var expires_s: Int64?
  var lastSeen_s: Int64?
}

extension RegistryDevice {
  var listed: ListedDevice {
    ListedDevice(
      id: id, name: name, port: port, user: user, tags: tags, isEnrolled: !hostKeys.isEmpty,
      awaitsHostKeys: hostKeysFromFirstClaim && hostKeys.isEmpty, provisioned_s: provisioned_s, expires_s: expires_s,
      lastSeen_s: lastSeen_s)
  }
}

extension Registry {
  /// The devices by name: all of them, or those of these names that there are.
  func listedDevices(named names: [DeviceName]? = nil) throws(Refusal) -> [ListedDevice] {
    try read { db in try Self.listedDevices(named: names, db) }
  }

  static func listedDevices(named names: [DeviceName]? = nil, _ db: Database) throws -> [ListedDevice] {
    let condition = names.map { "WHERE name IN (\($0.map { _ in "?" }.joined(separator: ",")))" } ?? ""
    let arguments = StatementArguments(names?.map(\.rawValue) ?? [])
    // By position: looking for a column by its name would take as long as reading it.
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT id, name, port, user, EXISTS (SELECT 1 FROM host_keys WHERE device = id), host_keys_from_first_claim,
          provisioned_s, expires_s, last_seen_s
        FROM devices JOIN leases ON leases.device = devices.id \(condition) ORDER BY name
        """, arguments: arguments)
    var devices: [ListedDevice] = []
    var positions: [String: Int] = [:]
    while let row = try rows.next() {
      let text: String = row[0]
      guard let id = DeviceID(text), let port = TCPPort(row[2] as Int64) else {
        throw Refusal(.registryDamaged, "the registry holds a device without identity or port")
      }
      positions[text] = devices.count
      let isEnrolled: Bool = row[4]
      devices.append(
        ListedDevice(
          id: id, name: try DeviceName(validating: row[1] as String), port: port,
          user: try LoginName(validating: row[3] as String), isEnrolled: isEnrolled,
          awaitsHostKeys: !isEnrolled && row[5], provisioned_s: row[6], expires_s: row[7], lastSeen_s: row[8]))
    }
    let tags = try Row.fetchCursor(
      db,
      sql: names == nil
        ? "SELECT device, key, value FROM tags"
        : "SELECT device, key, value FROM tags WHERE device IN (SELECT id FROM devices \(condition))",
      arguments: arguments)
    while let row = try tags.next() {
      if let position = positions[row[0]] { devices[position].tags[row[1]] = row[2] }
    }
    return devices
  }
}
