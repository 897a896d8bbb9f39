import FleetProtocol

/// Whether an operator can be connected to a device now.
enum ReachabilityCheck {
  /// Within how many seconds of its claim a device tells its host keys, if its own sshd is well.
  static let hostKeyPatience_s: Int64 = 5

  /// Whether a device without host keys is about to tell them: it has just claimed, and reports them next.
  static func willTellHostKeys(_ device: RegistryDevice, session: SessionRecord?, now_s: Int64) -> Bool {
    guard let session, device.hostKeysFromFirstClaim, device.hostKeys.isEmpty else { return false }
    return (0..<hostKeyPatience_s).contains(now_s - session.claimed_s)
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
