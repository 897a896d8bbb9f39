import FleetProtocol

/// A device that came or went.
struct PresenceTransition: Hashable {
  var device: DeviceID
  var isOnline: Bool
  /// When it came, or when something last came from it.
  var at_s: Int64
}

/// One device in a sample.
struct PresenceSample: Hashable {
  var device: DeviceID
  var presence: Presence
  var session: SessionRecord?
  /// The device's last transition in the registry, or an older one.
  var recordedSeen_s: Int64?
}

/// Which devices are online, as far as the registry was told.
struct PresenceHistory: Hashable {
  private struct Life: Hashable {
    /// The sshd that carries the tunnel; `nil` before the first sample.
    var sshd: ProcessIdentity?
    var lastSeen_s: Int64
  }

  /// The devices that are online.
  private var lives: [DeviceID: Life]

  init(online: Set<DeviceID>) {
    lives = Dictionary(uniqueKeysWithValues: online.map { ($0, Life(sshd: nil, lastSeen_s: 0)) })
  }

  /// The history after this sample, and what changed. A stale tunnel still counts as online, and an unknown state
  /// changes nothing.
  func after(_ samples: [PresenceSample], now_s: Int64) -> (PresenceHistory, [PresenceTransition]) {
    var history = self
    var transitions: [PresenceTransition] = []
    for sample in samples {
      let device = sample.device
      let life = lives[device]
      let seen_s = WallClockRule.past(max(life?.lastSeen_s ?? 0, sample.presence.lastSeen_s ?? 0), now_s: now_s)
      switch sample.presence.state {
      case .online, .stale, .duplicate:
        if let life {
          if let gap = Self.gap(in: life, before: sample.session) {
            transitions.append(PresenceTransition(device: device, isOnline: false, at_s: gap.lowerBound))
            transitions.append(PresenceTransition(device: device, isOnline: true, at_s: gap.upperBound))
          }
        } else {
          transitions.append(
            PresenceTransition(device: device, isOnline: true, at_s: Self.came_s(sample, now_s: now_s)))
        }
        history.lives[device] = Life(sshd: sample.session?.sshd ?? life?.sshd, lastSeen_s: seen_s)
      case .offline:
        guard let life else { continue }
        // What is known of a session that this history never saw online says nothing about the end of an earlier one.
        let end_s =
          life.sshd == nil || life.sshd == sample.session?.sshd
          ? seen_s : WallClockRule.past(life.lastSeen_s, now_s: now_s)
        transitions.append(PresenceTransition(device: device, isOnline: false, at_s: end_s))
        history.lives[device] = nil
      case .unknown: break
      }
    }
    return (history, transitions)
  }

  /// The claim is when it came, unless the same session has been offline since.
  private static func came_s(_ sample: PresenceSample, now_s: Int64) -> Int64 {
    guard let claimed_s = sample.session?.claimed_s, claimed_s >= sample.recordedSeen_s ?? 0, claimed_s <= now_s else {
      return now_s
    }
    return claimed_s
  }

  /// The time without a tunnel between two sessions that no sample fell into. A claim that took over a connection
  /// which was heard within a keepalive left none.
  private static func gap(in life: Life, before session: SessionRecord?) -> ClosedRange<Int64>? {
    guard let session, let sshd = life.sshd, session.sshd != sshd else { return nil }
    let from_s = max(life.lastSeen_s, session.predecessorSeen_s ?? 0)
    let shortest_s = session.predecessorSeen_s == nil ? 1 : Int64(session.claim.keepalive_s) + 1
    guard session.claimed_s - from_s >= shortest_s else { return nil }
    return from_s...session.claimed_s
  }

  /// What to record when all tunnels end with this program.
  var endings: [PresenceTransition] {
    lives.sorted { $0.key < $1.key }.map {
      PresenceTransition(device: $0.key, isOnline: false, at_s: $0.value.lastSeen_s)
    }
  }
}
