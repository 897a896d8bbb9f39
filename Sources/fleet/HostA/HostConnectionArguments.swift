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
  ///
  /// With `handover`, the TCP connection is there already and waits behind that socket for `program`, the path of `fleet`.
  static func master(
    to host: ConfiguredHost, pins: String, socket: String, handover: String? = nil, program: String = "fleet"
  ) -> [String] {
    let adopted = handover.map { handover in
      let words = [program, handover].map(SSHOptionValue.proxyCommandWord)
      return ["ProxyUseFdpass=yes", "ProxyCommand=\(words[0]) proxy --adopt \(words[1])"]
    }
    let sharing =
      (adopted ?? []) + [
        "ControlMaster=yes", "ControlPath=\(SSHOptionValue.path(socket))",
        "ControlPersist=\(ConnectionReuse.persistence_s)", "ServerAliveInterval=5", "ServerAliveCountMax=2",
      ]
    return arguments(to: host, pins: pins, sharing: sharing) + ["-N", "--", host.address]
  }

  /// Asks ssh what it makes of the person's configuration for HostA, without connecting.
  static func settings(of host: ConfiguredHost, pins: String) -> [String] {
    var arguments = arguments(to: host, pins: pins, sharing: ["ControlPath=none"]) + ["--", host.address]
    arguments.insert("-G", at: 1)
    return arguments
  }

  /// Whether ssh would connect to HostA's own address and port from any address, by what `settings` printed.
  static func isDirect(effectiveSettings: String, to host: ConfiguredHost) -> Bool {
    var wanted = ["hostname": host.address, "port": host.port.description]
    for line in effectiveSettings.split(whereSeparator: \.isNewline) {
      guard let space = line.firstIndex(of: " ") else { continue }
      let (keyword, value) = (line[..<space].lowercased(), String(line[line.index(after: space)...]))
      switch keyword {
      case "hostname", "port": if wanted.removeValue(forKey: keyword) != value { return false }
      case "proxycommand", "proxyjump", "bindaddress", "bindinterface": if value != "none" { return false }
      case "addressfamily": if value != "any" { return false }
      case "canonicalizehostname": if value != "false", value != "none" { return false }
      default: break
      }
    }
    return wanted.isEmpty
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
