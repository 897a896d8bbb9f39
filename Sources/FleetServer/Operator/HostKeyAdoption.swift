import FleetProtocol

/// Takes the host keys that devices reported with their first claim into the registry, where that is allowed.
enum HostKeyAdoption {
  /// The device with what was adopted. A registry that cannot be written now gets it next time.
  static func adopt(for device: RegistryDevice, from snapshot: HostSnapshot, into registry: Registry) -> RegistryDevice
  {
    let session = snapshot.session(of: device.id)
    guard let session, adopt(for: device.listed, session: session, now_s: snapshot.now_s, into: registry) else {
      return device
    }
    var device = device
    device.hostKeys = session.claim.hostKeys
    (device.enrolled_s, device.enrolledBy) = (snapshot.now_s, AuditActor.device(from: nil).name)
    return device
  }

  /// Whether the device has host keys now that it had not before.
  static func adopt(for device: ListedDevice, session: SessionRecord?, now_s: Int64, into registry: Registry) -> Bool {
    guard device.awaitsHostKeys, let session, !session.claim.hostKeys.isEmpty else { return false }
    let adopted = try? registry.adopt(
      session.claim.hostKeys, for: device.id, from: "\(session.connection.remote)", now_s: now_s)
    return adopted == true
  }
}
