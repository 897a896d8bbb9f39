import FleetProtocol

/// The command lines of ssh to a box on the bench: the person's own ssh, with its keys, agent and configuration.
enum BoxSSHArguments {
  /// Opens one connection that the later ones share, so that a password is asked for once.
  static func open(_ box: BoxTarget, controlPath: String) -> [String] {
    // ControlPersist ends the shared connection even when this process was killed and could not.
    arguments(box, controlPath: controlPath, ["ControlMaster=yes", "ControlPersist=300"], ["-f", "-N"]) + [
      "--", box.address,
    ]
  }

  static func run(_ command: String, on box: BoxTarget, controlPath: String) -> [String] {
    arguments(box, controlPath: controlPath, ["ControlMaster=no"], []) + ["--", box.address, command]
  }

  static func close(_ box: BoxTarget, controlPath: String) -> [String] {
    arguments(box, controlPath: controlPath, [], ["-O", "exit"]) + ["--", box.address]
  }

  /// Asks ssh what it makes of an alias, without connecting.
  static func resolve(_ box: BoxTarget) -> [String] { ["ssh", "-G", "--", box.address] }

  /// The name or address to which ssh would connect, in what `resolve` printed.
  static func hostName(inResolved output: String) -> String? {
    let prefix = "hostname "
    let line = output.split(whereSeparator: \.isNewline).first { $0.hasPrefix(prefix) }
    return line.map { String($0.dropFirst(prefix.count)) }.flatMap { HostAddress.isAddress($0) ? $0 : nil }
  }

  private static func arguments(
    _ box: BoxTarget, controlPath: String, _ options: [String], _ flags: [String]
  ) -> [String] {
    var arguments = ["ssh", "-T"] + flags
    let common = [
      "ControlPath=\(SSHOptionValue.path(controlPath))", "ClearAllForwardings=yes", "ForwardAgent=no",
      "ForwardX11=no", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no", "ConnectTimeout=10",
      "ServerAliveInterval=10", "LogLevel=ERROR",
    ]
    for option in common + options { arguments += ["-o", option] }
    if let port = box.port { arguments += ["-p", port.description] }
    if let user = box.user { arguments += ["-l", user] }
    return arguments
  }
}
