import FleetProtocol

/// The command lines of ssh to HostA: one connection for one request, or one that requests share.
enum HostConnectionArguments {
  /// A request's arguments, ssh's own name first. `pins` is the known_hosts file that holds HostA's keys.
  ///
  /// `socket` leads to a connection that stands already. Where nobody answers there, or HostA gives it no further
  /// session, ssh makes a connection of its own by the same arguments.
  static func ssh(to host: ConfiguredHost, pins: String, request: String, through socket: String? = nil) -> [String] {
    let sharing = socket.map { ["ControlMaster=no", "ControlPath=\(SSHOptionValue.path($0))"] }
    return arguments(to: host, pins: pins, sharing: sharing ?? ["ControlPath=none"]) + ["--", host.address, request]
  }

  /// Makes the connection that later requests share through `socket`, and goes to the background when it stands.
  static func master(to host: ConfiguredHost, pins: String, socket: String) -> [String] {
    let sharing = [
      "ControlMaster=yes", "ControlPath=\(SSHOptionValue.path(socket))",
      "ControlPersist=\(ConnectionReuse.persistence_s)", "ServerAliveInterval=5", "ServerAliveCountMax=2",
    ]
    return arguments(to: host, pins: pins, sharing: sharing) + ["-N", "--", host.address]
  }

  /// The person's own ssh configuration stays in force for how HostA is reached (a jump host, a proxy, keys);
  /// what is set here is what trust and a plain byte stream depend on. ssh takes the first value of each option.
  private static func arguments(to host: ConfiguredHost, pins: String, sharing: [String]) -> [String] {
    var arguments = ["ssh", "-T", "-p", host.port.description, "-l", host.account.rawValue]
    if let identity = host.identity {
      arguments += ["-o", "IdentityFile=\(SSHOptionValue.path(identity))", "-o", "IdentitiesOnly=yes"]
    }
    let options = [
      "HostKeyAlias=\(host.hostKeyAlias)", "UserKnownHostsFile=\(SSHOptionValue.path(pins))",
      "GlobalKnownHostsFile=/dev/null", "KnownHostsCommand=none", "VerifyHostKeyDNS=no",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no",
      "PreferredAuthentications=publickey", "ForwardAgent=no", "ForwardX11=no",
      "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
      "LogLevel=ERROR", "ConnectTimeout=10",
    ]
    for option in options + sharing + ["ServerAliveInterval=15", "ServerAliveCountMax=3"] {
      arguments += ["-o", option]
    }
    return arguments
  }
}
