import FleetProtocol

/// What a restored registry takes from the key file that is there: whoever is in the key file stays in, and whoever is
/// not stays out. A device that was provisioned after the backup has no other box to go to; one that was removed after
/// it may be in a thief's hands.
enum RestoreRule {
  enum Step: Hashable {
    /// The device was provisioned after the backup; only what the key file tells of it is known.
    case recover(DeviceKeys, name: DeviceName)
    /// The device's key was replaced after the backup.
    case takeKeys(DeviceKeys, name: DeviceName)
    /// The device was removed after the backup.
    case drop(DeviceID, name: DeviceName, port: TCPPort)
    /// The operator was added after the backup, or has another key since.
    case recoverOperator(OperatorName, PublicKey)
    case dropOperator(OperatorName)
    case dropEnrollKey(EnrollKeyID)
    /// Made after the backup. What it was for is not known, so it lets nobody in any more.
    case loseEnrollKey(EnrollKeyID)
  }

  /// A device as the key file has it.
  struct DeviceKeys: Hashable {
    var id: DeviceID
    var port: TCPPort
    var key: PublicKey
    var nextKey: PublicKey?
    var replacesKey: Bool
    var expires: Timestamp?

    /// The lines of one device; `nil` where none of them is the device's present key.
    init?(_ lines: [KeyFileText.Device]) {
      guard let present = lines.first(where: { $0.standing != .next }) else { return nil }
      id = present.id
      port = present.port
      key = present.key
      nextKey = lines.first { $0.standing == .next }?.key
      replacesKey = present.standing == .replace
      expires = present.expires
    }
  }

  /// The steps from what the backup's registry would render to what the key file says. Removals come first, because ports and
  /// keys of what is gone may be somebody else's now.
  static func steps(
    from backup: KeyFileEntries, names: [DeviceID: DeviceName], to present: KeyFileEntries
  ) -> [Step] {
    let known = devices(backup)
    let standing = devices(present)
    var steps: [Step] = []
    for device in known.values.sorted(by: { $0.port < $1.port }) where standing[device.id]?.port != device.port {
      if let name = names[device.id] { steps.append(.drop(device.id, name: name, port: device.port)) }
    }
    let operators = Dictionary(present.operators.map { ($0.name, $0.key) }) { first, _ in first }
    for entry in backup.operators where operators[entry.name] == nil { steps.append(.dropOperator(entry.name)) }
    let enrollKeys = Set(present.enrollKeys.map(\.id))
    for entry in backup.enrollKeys where !enrollKeys.contains(entry.id) { steps.append(.dropEnrollKey(entry.id)) }

    var taken = Set(names.values)
    for device in standing.values.sorted(by: { $0.port < $1.port }) {
      if let before = known[device.id], before.port == device.port, let name = names[device.id] {
        if before != device { steps.append(.takeKeys(device, name: name)) }
      } else if let name = freeName(device.port, taken) {
        taken.insert(name)
        steps.append(.recover(device, name: name))
      }
    }
    let before = Dictionary(backup.operators.map { ($0.name, $0.key) }) { first, _ in first }
    for entry in present.operators where before[entry.name] != entry.key {
      steps.append(.recoverOperator(entry.name, entry.key))
    }
    let knownEnrollKeys = Set(backup.enrollKeys.map(\.id))
    for entry in present.enrollKeys where !knownEnrollKeys.contains(entry.id) { steps.append(.loseEnrollKey(entry.id)) }
    return steps
  }

  private static func devices(_ entries: KeyFileEntries) -> [DeviceID: DeviceKeys] {
    Dictionary(grouping: entries.devices, by: \.id).compactMapValues { DeviceKeys($0) }
  }

  /// `recovered-20007`, or with a number where a device was recovered under that name before.
  private static func freeName(_ port: TCPPort, _ taken: Set<DeviceName>) -> DeviceName? {
    let names = [""] + (2...).prefix(taken.count + 1).map { "-\($0)" }
    return names.lazy.compactMap { try? DeviceName(validating: "recovered-\(port)\($0)") }
      .first { !taken.contains($0) }
  }
}

extension RestoreRule.Step {
  /// What is told of it.
  var sentence: String {
    switch self {
    case .recover(let device, let name):
      "\(name) is new since the backup and stays, on port \(device.port); rename it"
    case .takeKeys(_, let name): "\(name) has another key since the backup, and keeps it"
    case .drop(_, let name, let port): "\(name), on port \(port), was removed since the backup and stays out"
    case .recoverOperator(let name, _):
      "operator \(name) is new since the backup and stays, as a viewer; say more with 'operator add'"
    case .dropOperator(let name): "operator \(name) was removed since the backup and stays out"
    case .dropEnrollKey(let id): "enroll key \(id) was removed or used up since the backup and stays out"
    case .loseEnrollKey(let id): "enroll key \(id) is new since the backup and is gone; make another one"
    }
  }
}
