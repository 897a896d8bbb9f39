import FleetProtocol

/// What a person hears at the first contact with hardware that took a device's place from this laptop by a bundle:
/// nobody here could see its host keys before.
enum NewHostKey {
  /// One line, or `nil` where nothing was let go or the keys are the same.
  static func remark(on pins: PinnedKeys, device: DeviceName, known: PinnedKeys) -> String? {
    guard known.trusted.isEmpty, !known.released.isEmpty else { return nil }
    let new = pins.trusted.filter { !known.released.contains($0) }.sorted(by: KeyFingerprint.isBefore)
    guard let key = new.first else { return nil }
    let since = pins.recorded.map { " since \($0.description.prefix(10))" } ?? ""
    let recorded =
      switch pins.recordedBy {
      case nil: ""
      case "device"?: " (recorded at its first contact)"
      case let name?: " (recorded by \(DisplayText.escaped(name, limit: 63)))"
      }
    return "fleet: \(device) has a new host key\(since)\(recorded): \(KeyFingerprint.of(key))"
  }
}
