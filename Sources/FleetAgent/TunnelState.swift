/// How far a connection to HostA has come.
enum LinkPhase: Int, Comparable, Sendable, CustomStringConvertible {
  case resolving, connecting, handshaking, authenticating, claiming, forwarding, probing, up

  static func < (left: LinkPhase, right: LinkPhase) -> Bool { left.rawValue < right.rawValue }

  /// What is being done, as it can follow "stuck in".
  var description: String {
    switch self {
    case .resolving: "resolving"
    case .connecting: "connecting"
    case .handshaking: "the handshake"
    case .authenticating: "authenticating"
    case .claiming: "the claim"
    case .forwarding: "asking for the forward"
    case .probing: "probing the tunnel"
    case .up: "the tunnel"
    }
  }
}

/// What the agent is doing, for `fleet-agent status`, the log and the service manager.
enum TunnelState: Hashable, Sendable {
  case dialling(LinkPhase, endpoint: String)
  case up(endpoint: String)
  /// Up, as far as one can tell, but HostA acknowledges nothing; a second connection is dialled beside it.
  case silent(endpoint: String)
  case waiting(until: Monotonic, why: LinkFailure)
  case stopped

  /// The state's name in `status --json`.
  var name: String {
    switch self {
    case .dialling(let phase, _): "\(Self.names[phase.rawValue])"
    case .up: "up"
    case .silent: "silent"
    case .waiting: "waiting"
    case .stopped: "stopped"
    }
  }

  private static let names = [
    "resolving", "connecting", "handshaking", "authenticating", "claiming", "forwarding", "probing", "up",
  ]

  func sentence(now: Monotonic) -> String {
    switch self {
    case .dialling(.resolving, let endpoint): return "looking up \(endpoint)"
    case .dialling(.connecting, let endpoint): return "connecting to \(endpoint)"
    case .dialling(.handshaking, let endpoint): return "exchanging keys with \(endpoint)"
    case .dialling(.authenticating, let endpoint): return "showing this device's key to \(endpoint)"
    case .dialling(.claiming, _): return "claiming the device's port"
    case .dialling(.forwarding, _): return "asking HostA to listen on the device's port"
    case .dialling(.probing, _): return "probing the tunnel through HostA and back"
    case .dialling(.up, let endpoint), .up(let endpoint): return "the tunnel through \(endpoint) is up"
    case .silent(let endpoint):
      return "nothing comes through the tunnel by \(endpoint), dialling another one beside it"
    case .waiting(let until, let why):
      let left = max(0, (now.duration(to: until).milliseconds + 999) / 1000)
      return "waiting \(left) s because \(why.sentence)"
    case .stopped: return "stopped"
    }
  }
}
