import FleetProtocol

/// The command line of the ssh that forwards ports.
enum ForwardArguments {
  /// What that ssh prints once every port is listened on.
  static let announcement = "fleet-forward-listens"

  /// `options` are the person's own for ssh. Throws `usage` for those that cannot be used.
  static func commandLine(
    _ login: DeviceLogin, ports: [ForwardedPort], options: [String]
  ) throws(Refusal) -> SSHCommandLine {
    // ssh runs the local command when all listeners stand, and ends where one does not.
    let ours = [
      "ExitOnForwardFailure=yes", "PermitLocalCommand=yes", "LocalCommand=echo \(announcement)", "RemoteCommand=none",
    ]
    // A person may want to be more patient.
    let fallback = ["ServerAliveInterval=15", "ServerAliveCountMax=3"]
    return try SSHCommandLine(
      parsing: ["-N", "-T", "-n"] + ours.flatMap { ["-o", $0] } + ports.flatMap { ["-L", $0.argument] } + options
        + fallback.flatMap { ["-o", $0] } + ["--", login.text])
  }
}
