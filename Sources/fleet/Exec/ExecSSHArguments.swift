import FleetProtocol

/// How HostA is reached by what runs at the same time.
struct WayToHostA {
  let hostA: HostRequest
  /// Where a connection that all share can be found; ssh makes one of its own where that takes no further session.
  let socket: String?
}

/// The command lines of the ssh that runs a command on a device, among many that run at the same time.
enum ExecSSHArguments {
  /// To HostA: nobody can answer a question that one of many asks.
  static func hostA(_ way: WayToHostA, request: OperatorRequest) -> [String] {
    let arguments = HostConnectionArguments.ssh(
      to: way.hostA.host, pins: way.hostA.paths.hostPins, request: request.command, through: way.socket)
    return [arguments[0], "-o", "BatchMode=yes"] + arguments.dropFirst()
  }

  /// To the device, over a connection that waits for it.
  ///
  /// The keys that this laptop trusts stand in `pins`, under the device's name. `log` is the file for what ssh says of
  /// itself, apart from what the device says.
  static func device(_ job: ExecJob, user: LoginName, pins: String, proxy: String, log: String, endIsLogged: Bool)
    -> [String]
  {
    // For every keyword ssh keeps the first value it sees: what a person has set for the device counts for the rest.
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(proxy)", "HostKeyAlias=\(job.device)",
      "UserKnownHostsFile=\(SSHOptionValue.path(pins))", "GlobalKnownHostsFile=/dev/null", "KnownHostsCommand=none",
      "VerifyHostKeyDNS=no", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no", "ControlPath=none",
      "BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=3",
      "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "ForwardAgent=no", "ForwardX11=no",
    ]
    return ["ssh", "-T", "-E", log] + options.flatMap { ["-o", $0] } + (endIsLogged ? ExecOutcome.endIsLogged : [])
      + ["-l", user.rawValue, "--", job.device.rawValue, job.command]
  }
}
