/// How much an idle tunnel may say: `profile` in `agent.json`, sent with the claim.
public enum TrafficProfile: String, CaseIterable, Sendable {
  /// A silent break is noticed within seconds.
  case normal
  /// For a line whose bytes cost money: a silent break is noticed within about a minute.
  case metered

  /// How often a keepalive is sent to HostA, in seconds.
  public var keepalive_s: Int {
    switch self {
    case .normal: 10
    case .metered: 60
    }
  }

  /// How often the agent sends a canary through the tunnel, in seconds.
  public var canary_s: Int {
    switch self {
    case .normal: 450
    case .metered: 1800
    }
  }
}
