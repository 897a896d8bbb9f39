import FleetProtocol

/// The command line of the ssh that talks to a device over a connection that stands already.
enum DeviceSSHArguments {
  /// ssh's arguments, its own name first.
  ///
  /// - `program`: the path of `fleet` itself, whose `proxy --adopt` hands the connection over.
  /// - `socket`: where the connection waits.
  /// - `name`: what `fleet known-hosts`, whose answer is all that ssh trusts, knows the device by.
  static func ssh(
    _ line: SSHCommandLine, defaultUser: LoginName, name: FleetHostName, program: String, socket: String
  ) -> [String] {
    var arguments = ["ssh"]
    // For every keyword ssh keeps the first value it sees: these stand before anything a person or a file says.
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(adoption(program: program, socket: socket))",
      "HostKeyAlias=\(line.device)", "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null",
      "KnownHostsCommand=\(SSHOptionValue.path(program)) known-hosts \(name) %I %t %K %H", "VerifyHostKeyDNS=no",
      "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "CheckHostIP=no", "ControlPath=none",
    ]
    for option in options { arguments += ["-o", option] }
    if let user = line.user { arguments += ["-l", user] }
    arguments += line.options
    // And the last one counts only where nobody named a user.
    arguments += ["-l", defaultUser.rawValue]
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

  private static func adoption(program: String, socket: String) -> String {
    [SSHOptionValue.proxyCommandWord(program), "proxy", "--adopt", SSHOptionValue.proxyCommandWord(socket)]
      .joined(separator: " ")
  }
}
