import FleetProtocol

/// The command line of the ssh that talks to a device over a connection that stands already.
enum DeviceSSHArguments {
  /// ssh's arguments, its own name first.
  ///
  /// - `program`: the path of `fleet` itself, whose `proxy --adopt` hands the connection over.
  /// - `socket`: where the connection waits.
  /// - `pins`: the known_hosts file with the device's keys.
  static func ssh(
    _ line: SSHCommandLine, defaultUser: LoginName, pins: String, program: String, socket: String
  ) -> [String] {
    let proxy = [SSHOptionValue.proxyCommandWord(program), "proxy", "--adopt"]
    let command = (proxy + [SSHOptionValue.proxyCommandWord(socket)]).joined(separator: " ")
    var arguments = ["ssh"]
    // For every keyword ssh keeps the first value it sees: these stand before anything a person or a file says.
    let options = [
      "ProxyUseFdpass=yes", "ProxyCommand=\(command)", "HostKeyAlias=\(line.device)",
      "UserKnownHostsFile=\(SSHOptionValue.path(pins))", "GlobalKnownHostsFile=/dev/null",
      "KnownHostsCommand=none", "VerifyHostKeyDNS=no", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
      "CheckHostIP=no", "ControlPath=none",
    ]
    for option in options { arguments += ["-o", option] }
    if let user = line.user { arguments += ["-l", user] }
    arguments += line.options
    // And the last one counts only where nobody named a user.
    arguments += ["-l", defaultUser.rawValue]
    return arguments + ["--", line.device.rawValue] + line.command
  }
}
