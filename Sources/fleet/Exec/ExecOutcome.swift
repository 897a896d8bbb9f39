import FleetProtocol

/// How a command ended on one device, or why it did not.
struct ExecOutcome: Hashable {
  /// The spelling in `--json`.
  enum State: String, CaseIterable {
    case ok
    /// It ended with another status than 0.
    case failed
    /// The device had no tunnel: nothing was run.
    case offline
    /// Nothing was run, and HostA keeps the command for it.
    case queued
    /// Its time was over; what was begun may go on there.
    case timedOut = "timed-out"
    /// The device could not be logged in to, or the connection was lost: what was begun may go on there.
    case unreachable
    /// Somebody ended this program while it ran; what was begun may go on there.
    case interrupted
    /// Somebody ended this program before its turn.
    case notRun = "not-run"
  }

  var state: State
  /// The command's own status, where it has ended.
  var status: Int32?
  /// What a person should know besides.
  var message: String?
  var duration: Duration = .zero

  /// Whether the command has ended by itself.
  var isOwnEnd: Bool { state == .ok || state == .failed }
}

/// What ssh's end means.
extension ExecOutcome {
  /// ssh's options that make it write down how the command ended: its status 255 alone says too little.
  static let endIsLogged = ["-o", "LogVerbose=*:client_input_channel_req*:*"]

  /// - Parameters:
  ///   - status: of the ssh that ran the command; `nil` for one that a signal has ended.
  ///   - log: what that ssh has said of itself, which is not what came from the device.
  init(sshStatus status: Int32?, log: String, device: DeviceName) {
    let lines = log.split(whereSeparator: \.isNewline)
    func isLogged(_ what: String) -> Bool { lines.contains { $0.contains("rtype \(what)") } }
    if isLogged("exit-signal") {
      self.init(state: .failed, status: 255, message: "a signal ended the command")
    } else if let status, status != 255 || isLogged("exit-status") {
      self.init(state: status == 0 ? .ok : .failed, status: status)
    } else {
      let said = lines.filter { !$0.hasPrefix("debug") }.joined(separator: "\n")
      self.init(state: .unreachable, message: Self.reason(said, device: device))
    }
  }

  /// HostA did not open the way to the device.
  init(_ refusal: Refusal) {
    self.init(state: refusal.code == .deviceOffline ? .offline : .unreachable, message: refusal.message)
  }

  private static func reason(_ said: String, device: DeviceName) -> String {
    let text = said.lowercased()
    if text.contains("permission denied") || text.contains("too many authentication failures") {
      return "\(device) does not accept this laptop's key: \(LastLine.of(said) ?? "")"
    }
    if text.contains("host key verification failed") || text.contains("host identification has changed") {
      return "\(device) shows another host key than the recorded one; 'fleet trust \(device)' compares them"
    }
    guard let last = LastLine.of(said) else { return "the connection was lost before the command ended" }
    return "the connection to \(device) failed: \(last)"
  }
}
