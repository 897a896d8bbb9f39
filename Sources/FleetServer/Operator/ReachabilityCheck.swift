import FleetProtocol

/// Whether an operator can be connected to a device now.
enum ReachabilityCheck {
  /// Throws `device-blocked`, `device-offline` or `device-not-enrolled`.
  static func check(_ device: RegistryDevice, presence: Presence, isForeignListener: Bool) throws(Refusal) {
    guard !isForeignListener else {
      throw Refusal(
        .deviceBlocked, "another account on HostA listens on \(device.name)'s port \(device.port)",
        hint: "on HostA, end that process: ss -ltnp 'sport = :\(device.port)'")
    }
    guard presence.state != .offline else {
      if let note = presence.note {
        throw Refusal(.deviceOffline, "\(device.name) is offline: \(note)", hint: "try again in a few seconds")
      }
      guard let seen_s = presence.lastSeen_s else {
        throw Refusal(
          .deviceOffline, "\(device.name) was never seen",
          hint: "is its agent installed and started, and the box online?")
      }
      throw Refusal(.deviceOffline, "\(device.name) is offline since \(Timestamp(seconds: seen_s))")
    }
    guard !device.hostKeys.isEmpty else {
      throw Refusal(
        .deviceNotEnrolled, "the host keys of \(device.name) are not known yet",
        hint: "provision it again with --to, from where its keys can be read")
    }
  }
}
