import FleetProtocol

/// A device that came or went.
struct PresenceTransition: Hashable {
  var device: DeviceID
  var isOnline: Bool
  /// When it came, or when it was last seen.
  var at_s: Int64
}

/// Which devices are online, as far as the registry was told.
struct PresenceHistory: Hashable {
  /// When each device that is online was last seen.
  private(set) var lastSeen_s: [DeviceID: Int64]

  init(online: Set<DeviceID>) { lastSeen_s = Dictionary(uniqueKeysWithValues: online.map { ($0, 0) }) }

  /// The history after this sample, and what changed. A stale tunnel still counts as online, and an unknown state
  /// changes nothing.
  func after(_ sample: [(device: DeviceID, presence: Presence)], now_s: Int64) -> (
    PresenceHistory, [PresenceTransition]
  ) {
    var history = self
    var transitions: [PresenceTransition] = []
    for (device, presence) in sample {
      let known_s = lastSeen_s[device]
      switch presence.state {
      case .online, .stale:
        if known_s == nil { transitions.append(PresenceTransition(device: device, isOnline: true, at_s: now_s)) }
        history.lastSeen_s[device] = max(known_s ?? 0, presence.lastSeen_s ?? 0)
      case .offline:
        guard let known_s else { continue }
        let seen_s = max(known_s, presence.lastSeen_s ?? 0)
        transitions.append(PresenceTransition(device: device, isOnline: false, at_s: seen_s))
        history.lastSeen_s[device] = nil
      case .unknown: break
      }
    }
    return (history, transitions)
  }

  /// What to record when all tunnels end with this program.
  var endings: [PresenceTransition] {
    lastSeen_s.sorted { $0.key < $1.key }.map { PresenceTransition(device: $0.key, isOnline: false, at_s: $0.value) }
  }
}
