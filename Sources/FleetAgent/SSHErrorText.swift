import FleetProtocol
import FleetSSH

extension LinkFailure {
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
