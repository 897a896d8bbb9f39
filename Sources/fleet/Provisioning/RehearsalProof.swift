import FleetProtocol

/// What one login through HostA proved.
struct RehearsalProof: Hashable {
  /// As ssh names the key that it verified: `ssh-ed25519 SHA256:...`.
  let hostKey: String
  /// What the command on the device printed; `nil` where the device did not let this laptop's key in, so that only the
  /// way and the host key are proved.
  let answer: String?

  /// With which ssh asks nobody, waits not long and does one thing only.
  static let options = [
    "BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=5", "ForwardAgent=no", "ForwardX11=no",
    "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
  ]

  /// The command line of `fleet ssh`, for one harmless command and without a question to anybody.
  static func commandLine(_ device: DeviceName) throws(Refusal) -> SSHCommandLine {
    // What ssh says at this level tells which host key it verified.
    let options = ["LogLevel=DEBUG1"] + options
    return try SSHCommandLine(parsing: ["-T"] + options.flatMap { ["-o", $0] } + [device.rawValue, "--", "uname -sr"])
  }

  /// Judges what that ssh left behind. Throws `device-host-key-changed`, or `io-failed` for a way that broke.
  init(device: DeviceName, exitStatus: Int32, output: String, debugText: String) throws(Refusal) {
    let lines = debugText.split(whereSeparator: \.isNewline)
    let said = lines.filter { !$0.hasPrefix("debug1: ") }.joined(separator: "\n")
    if said.lowercased().contains("host key verification failed") {
      throw Refusal(
        .deviceHostKeyChanged, "through HostA \(device) shows another host key than on the bench",
        hint: "see whether the sshd on the port of --sshd-port is the one that people log in to")
    }
    let isVerified = lines.contains { $0.hasPrefix("debug1: Host '") && $0.contains("' is known and matches the ") }
    let prefix = "debug1: Server host key: "
    let shown = lines.last { $0.hasPrefix(prefix) }.map { DisplayText.escaped($0.dropFirst(prefix.count), limit: 200) }
    guard isVerified, let shown else {
      throw Refusal(
        .ioFailed, "\(device) was not reached through HostA" + (LastLine.of(said).map { ": \($0)" } ?? ""))
    }
    hostKey = shown
    if exitStatus == 255 {
      let isKeptOut = ["permission denied", "too many authentication failures", "no more authentication methods"]
        .contains { said.lowercased().contains($0) }
      guard isKeptOut else {
        throw Refusal(
          .ioFailed, "the session with \(device) through HostA broke" + (LastLine.of(said).map { ": \($0)" } ?? ""))
      }
      answer = nil
    } else {
      answer = exitStatus == 0 ? LastLine.of(output) ?? "" : "status \(exitStatus)"
    }
  }

  /// What stands behind the step's tick.
  func sentence(device: DeviceName) -> String {
    let key = "host key \(hostKey) as on the bench"
    return answer.map { "\(device) answered '\($0)', \(key)" } ?? "as far as the login; \(key)"
  }

  /// What a person should still do, `nil` for nothing.
  func remark(user: LoginName, target: BoxTarget) -> String? {
    guard answer == nil else { return nil }
    let port = target.port.map { "-p \($0) " } ?? ""
    return "this laptop's key is not let in as \(user), so 'fleet ssh' will ask for a password, if the box allows one; "
      + "to let it in: ssh-copy-id \(port)\(user)@\(target.address)"
  }
}
