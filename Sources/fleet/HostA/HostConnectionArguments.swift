import FleetProtocol

/// The command line of the one ssh connection to HostA that carries a request.
enum HostConnectionArguments {
  /// ssh's arguments, its own name first. `pins` is the known_hosts file that holds HostA's keys.
  ///
  /// The person's own ssh configuration stays in force for how HostA is reached (a jump host, a proxy, keys);
  /// what is set here is what trust and a plain byte stream depend on.
  static func ssh(to host: ConfiguredHost, pins: String, request: String) -> [String] {
    var arguments = ["ssh", "-T", "-p", host.port.description, "-l", host.account.rawValue]
    if let identity = host.identity {
      arguments += ["-o", "IdentityFile=\(SSHOptionValue.path(identity))", "-o", "IdentitiesOnly=yes"]
    }
    let options = [
      "HostKeyAlias=\(host.hostKeyAlias)", "UserKnownHostsFile=\(SSHOptionValue.path(pins))",
      "GlobalKnownHostsFile=/dev/null", "KnownHostsCommand=none", "VerifyHostKeyDNS=no",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no",
      "PreferredAuthentications=publickey", "ControlPath=none", "ForwardAgent=no", "ForwardX11=no",
      "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
      "LogLevel=ERROR", "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=3",
    ]
    for option in options { arguments += ["-o", option] }
    return arguments + ["--", host.address, request]
  }
}
