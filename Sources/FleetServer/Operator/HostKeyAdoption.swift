import FleetProtocol

/// Takes the host keys that devices reported with their first claim into the registry, where that is allowed.
enum HostKeyAdoption {
  /// The devices with what was adopted. A registry that cannot be written now gets them next time.
  static func adopt(for devices: [RegistryDevice], from snapshot: HostSnapshot, into registry: Registry)
    -> [RegistryDevice]
  {
    devices.map { device in
      guard device.hostKeysFromFirstClaim, device.hostKeys.isEmpty,
        let session = snapshot.session(of: device.id), !session.claim.hostKeys.isEmpty
      else { return device }
      let adopted = try? registry.adopt(
        session.claim.hostKeys, for: device.id, from: "\(session.connection.remote)", now_s: snapshot.now_s)
      guard adopted == true else { return device }
      var device = device
      device.hostKeys = session.claim.hostKeys
      (device.enrolled_s, device.enrolledBy) = (snapshot.now_s, AuditActor.device(from: nil).name)
      return device
    }
  }
}
