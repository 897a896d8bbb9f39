import FleetProtocol

/// Whether an operator can be connected to a device now.
enum ReachabilityCheck {
  /// Within how many seconds of its claim a device listens on its port and tells its host keys, if all is well there.
  static let patience_s: Int64 = 5

  /// Whether a refusal is about to be untrue: the device has just claimed its port, as at each start and each
  /// replacement of its key, and listens next, and then tells its host keys.
  static func isPassing(
    _ refusal: Refusal.Code, of device: RegistryDevice, session: SessionRecord?, now_s: Int64
  ) -> Bool {
    guard let session, (0..<patience_s).contains(now_s - session.claimed_s) else { return false }
    switch refusal {
    case .deviceOffline: return true
    case .deviceNotEnrolled: return device.hostKeysFromFirstClaim && device.hostKeys.isEmpty
    default: return false
    }
  }

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
