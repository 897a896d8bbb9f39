import FleetProtocol

/// Why a connection to HostA came to nothing, or ended.
enum LinkFailure: Error, Hashable, Sendable {
  case unresolved(String)
  case unreachable(String)
  /// Something answered, and the connection failed before HostA knew us.
  case failed(String)
  case algorithms(String)
  case hostKeyChanged
  case keyRefused
  case claimRefused(Refusal)
  case claimFailed(String)
  case forwardRefused(String)
  case canaryLost(String)
  /// An established tunnel broke.
  case lost(String)
  case timedOut(LinkPhase)

  var sentence: String {
    switch self {
    case .unresolved(let text): "HostA's name cannot be resolved: \(text)"
    case .unreachable(let text): "HostA does not answer: \(text)"
    case .failed(let text): "the connection to HostA failed: \(text)"
    case .algorithms(let text): text
    case .hostKeyChanged: "HostA shows another host key than the pinned one, so this may be another machine"
    case .keyRefused: "HostA does not accept this device's key"
    case .claimRefused(let refusal) where refusal.code == .portBlocked:
      "the device's port is blocked by another process: \(refusal.message)"
    case .claimRefused(let refusal): "HostA refused the claim: \(refusal.message)"
    case .claimFailed(let text): "HostA did not answer the claim: \(text)"
    case .forwardRefused(let text): "HostA refused the forward: \(text)"
    case .canaryLost(let text): "the tunnel does not lead back to this device: \(text)"
    case .lost(let text): "the connection to HostA broke: \(text)"
    case .timedOut(let phase): "no tunnel within \(TunnelMachine.dialLimit.components.seconds) s, stuck in \(phase)"
    }
  }

  var cause: Backoff.Cause {
    switch self {
    case .unresolved, .unreachable: .unanswered
    case .keyRefused: .turnedAway
    // The other box with this key is not going away within seconds.
    case .claimRefused(let refusal) where refusal.code == .deviceDuplicate: .turnedAway
    case .claimRefused(let refusal) where [.claimBusy, .portInUse].contains(refusal.code): .claimRefused
    default: .answered
    }
  }

  /// Whether another endpoint could fare better: not when it was HostA itself that refused us.
  var isOfEndpoint: Bool {
    switch self {
    case .unresolved, .unreachable, .failed, .algorithms, .hostKeyChanged, .timedOut: true
    default: false
    }
  }
}
