import FleetProtocol
import FleetSSH

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

  /// A failure of the SSH connection, seen in a phase of the dial.
  init(_ error: SSHError, in phase: LinkPhase) {
    self =
      switch (error, phase) {
      case (_, .up): .lost(error.text)
      case (.algorithms, _): .algorithms(error.text)
      case (.hostKeyMismatch, _): .hostKeyChanged
      case (.authentication, _): .keyRefused
      case (.refused, .forwarding): .forwardRefused(error.text)
      default: .failed(error.text)
      }
  }

  var sentence: String {
    switch self {
    case .unresolved(let text): "HostA's name cannot be resolved: \(text)"
    case .unreachable(let text): "HostA does not answer: \(text)"
    case .failed(let text): "the connection to HostA failed: \(text)"
    case .algorithms(let text): text
    case .hostKeyChanged: "HostA shows another host key than the pinned one, so this may be another machine"
    case .keyRefused: "HostA does not accept this device's key"
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
    case .keyRefused: .keyRefused
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

extension SSHError {
  /// What happened, safe to show: texts from the other side are escaped and shortened.
  var text: String {
    switch self {
    case .disconnected(let text), .authentication(let text), .refused(let text):
      DisplayText.escaped(text, limit: 200)
    case .notSSH(let line): "what answers does not speak SSH but says '\(DisplayText.escaped(line, limit: 100))'"
    case .algorithms(let text): DisplayText.escaped(text, limit: 2000)
    case .hostKeyMismatch: "another host key than the pinned one"
    case .failure(let code, let text): "libssh2 failed with \(code): \(DisplayText.escaped(text, limit: 200))"
    }
  }
}
