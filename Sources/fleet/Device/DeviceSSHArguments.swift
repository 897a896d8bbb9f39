import FleetProtocol

/// The command line of the ssh that talks to a device.
enum DeviceSSHArguments {
  /// How the bytes get there.
  enum Way: Hashable {
    /// A connection waits behind the socket `handover`, and `fleet proxy --adopt` fetches it. With `staying`, it stays
    /// open in the background after the session, and further sessions reach it through that socket.
    case connection(handover: String, staying: String?)
    /// Another session has left its connection open behind this socket. Should it be gone in the very moment, or take no
    /// further session, `fleet proxy --connect` opens another one through the HostA of that name.
    case master(socket: String, host: String)
  }

  /// ssh's arguments, its own name first.
  ///
  /// - `program`: the path of `fleet` itself.
  /// - `pins`: the known_hosts file with the device's keys.
  static func ssh(
    _ line: SSHCommandLine, defaultUser: String, pins: String, program: String, over way: Way
  ) -> [String] {
    let fleet = "\(SSHOptionValue.proxyCommandWord(program)) proxy"
    switch way {
    case .connection(let handover, let staying):
      let proxy = "\(fleet) --adopt \(SSHOptionValue.proxyCommandWord(handover))"
      let sharing = staying.map { socket in
        [
          "ControlMaster=yes", "ControlPath=\(SSHOptionValue.path(socket))",
          "ControlPersist=\(ConnectionReuse.persistence_s)", "ServerAliveInterval=5", "ServerAliveCountMax=2",
        ]
      }
      return arguments(line, defaultUser, pins, proxy, sharing ?? ["ControlPath=none"])
    case .master(let socket, let host):
      let sharing = ["ControlMaster=no", "ControlPath=\(SSHOptionValue.path(socket))"]
      // That the connection takes no further session would be told as an error, and then all goes well.
      return arguments(
        line, defaultUser, pins, "\(fleet) --connect \(line.device) \(SSHOptionValue.proxyCommandWord(host))", sharing,
        last: ["LogLevel=FATAL"])
    }
  }

  /// Asks ssh what it makes of the person's configuration for the device, without connecting.
  static func settings(_ line: SSHCommandLine, pins: String) -> [String] {
    var arguments = arguments(line, line.user ?? "fleet", pins, "none", ["ControlPath=none"])
    arguments.insert("-G", at: 1)
    return arguments
  }

  private static func arguments(
    _ line: SSHCommandLine, _ defaultUser: String, _ pins: String, _ proxy: String, _ sharing: [String],
    last: [String] = []
  ) -> [String] {
    var arguments = ["ssh"]
    // For every keyword ssh keeps the first value it sees: these stand before anything a person or a file says.
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(proxy)", "HostKeyAlias=\(line.device)",
      "UserKnownHostsFile=\(SSHOptionValue.path(pins))", "GlobalKnownHostsFile=/dev/null",
      "KnownHostsCommand=none", "VerifyHostKeyDNS=no", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
      "CheckHostIP=no",
    ]
    for option in options + sharing { arguments += ["-o", option] }
    if let user = line.user { arguments += ["-l", user] }
    arguments += line.options
    for option in last { arguments += ["-o", option] }
    // And the last one counts only where nobody named a user.
    arguments += ["-l", defaultUser]
    return arguments + ["--", line.device.rawValue] + line.command
  }
}
