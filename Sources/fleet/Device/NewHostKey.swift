import FleetProtocol

/// What a person hears when HostA vouches for another host key of a device than at the last connection.
enum NewHostKey {
  /// One line, or `nil` for the first connection and for a device whose keys this laptop knows.
  static func remark(on header: ConnectHeader, device: DeviceName, pinned: [PublicKey]) -> String? {
    let new = header.hostKeys.filter { !pinned.contains($0) }.sorted(by: KeyFingerprint.isBefore)
    guard !pinned.isEmpty, let key = new.first else { return nil }
    let since = header.enrolled.map { " since \($0.description.prefix(10))" } ?? ""
    let recorded =
      switch header.enrolledBy {
      case nil: ""
      case "device"?: " (recorded at its first contact)"
      case let name?: " (recorded by \(DisplayText.escaped(name, limit: 63)))"
      }
    return "fleet: \(device) has a new host key\(since)\(recorded): \(KeyFingerprint.of(key))"
  }
}
