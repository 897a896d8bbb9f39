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
  /// - `name`: what `fleet known-hosts`, whose answer is all that ssh trusts, knows the device by.
  static func ssh(
    _ line: SSHCommandLine, defaultUser: String, name: FleetHostName, program: String, over way: Way
  ) -> [String] {
    let fleet = SSHOptionValue.proxyCommandWord(program)
    let trust = knownHosts(name, program)
    switch way {
    case .connection(let handover, let staying):
      let proxy = adoption(program: program, socket: handover)
      let sharing = staying.map { socket in
        [
          "ControlMaster=yes", "ControlPath=\(SSHOptionValue.path(socket))",
          "ControlPersist=\(ConnectionReuse.persistence_s)", "ServerAliveInterval=5", "ServerAliveCountMax=2",
        ]
      }
      return arguments(line, defaultUser, trust, proxy, sharing ?? ["ControlPath=none"])
    case .master(let socket, let host):
      let sharing = ["ControlMaster=no", "ControlPath=\(SSHOptionValue.path(socket))"]
      // That the connection takes no further session would be told as an error, and then all goes well.
      return arguments(
        line, defaultUser, trust,
        "\(fleet) --host \(SSHOptionValue.proxyCommandWord(host)) proxy --connect \(line.device)", sharing,
        last: ["LogLevel=FATAL"])
    }
  }

  /// Asks ssh what it makes of the person's configuration for the device, whatever the command line says, without
  /// connecting.
  static func settings(_ device: DeviceName, user: String) -> [String] {
    ["ssh", "-G", "-o", "ControlPath=none", "-l", user, "--", device.rawValue]
  }

  private static func arguments(
    _ line: SSHCommandLine, _ defaultUser: String, _ trust: String, _ proxy: String, _ sharing: [String],
    last: [String] = []
  ) -> [String] {
    var arguments = ["ssh"]
    // For every keyword ssh keeps the first value it sees: these stand before anything a person or a file says.
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(proxy)", "HostKeyAlias=\(line.device)", "UserKnownHostsFile=/dev/null",
      "GlobalKnownHostsFile=/dev/null", "KnownHostsCommand=\(trust)", "VerifyHostKeyDNS=no",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no",
    ]
    for option in options + sharing { arguments += ["-o", option] }
    if let user = line.user { arguments += ["-l", user] }
    arguments += line.options
    for option in last { arguments += ["-o", option] }
    // And the last one counts only where nobody named a user.
    arguments += ["-l", defaultUser]
    return arguments + ["--", line.device.rawValue] + line.command
  }

  /// ssh's arguments for a look at the host key that the device shows, of one of these algorithms: it ends before
  /// anybody logs in.
  static func look(_ device: DeviceName, algorithms: [String], program: String, socket: String) -> [String] {
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(adoption(program: program, socket: socket))",
      "HostKeyAlgorithms=\(algorithms.joined(separator: ","))",
      "KnownHostsCommand=\(SSHOptionValue.path(program)) known-hosts --show %t %K", "UserKnownHostsFile=/dev/null",
      "GlobalKnownHostsFile=/dev/null", "VerifyHostKeyDNS=no", "StrictHostKeyChecking=yes", "CheckHostIP=no",
      "ControlPath=none", "BatchMode=yes", "ConnectTimeout=20", "LogLevel=ERROR",
    ]
    return ["ssh", "-T"] + options.flatMap { ["-o", $0] } + ["--", device.rawValue, "true"]
  }

  private static func knownHosts(_ name: FleetHostName, _ program: String) -> String {
    "\(SSHOptionValue.path(program)) known-hosts \(name) %I %t %K %H"
  }

  /// The ProxyCommand that fetches a connection from where it waits.
  static func adoption(program: String, socket: String) -> String {
    [SSHOptionValue.proxyCommandWord(program), "proxy", "--adopt", SSHOptionValue.proxyCommandWord(socket)]
      .joined(separator: " ")
  }
}
