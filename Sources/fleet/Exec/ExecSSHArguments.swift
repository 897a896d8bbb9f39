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

  /// To the device, as words for `fleet ssh`.
  ///
  /// - Parameters:
  ///   - log: the file for what ssh says of itself, apart from what the device says.
  ///   - endIsLogged: whether this ssh can say how a command has ended (OpenSSH 8.5).
  static func device(_ device: DeviceName, user: LoginName?, command: String, log: String, endIsLogged: Bool)
    -> [String]
  {
    let options = [
      "BatchMode=yes", "LogLevel=ERROR", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=3",
      "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "ForwardAgent=no", "ForwardX11=no",
    ]
    var words = ["-T", "-E", log]
    for option in options { words += ["-o", option] }
    if endIsLogged { words += ExecOutcome.endIsLogged }
    return words + [user.map { "\($0)@\(device)" } ?? device.rawValue, "--", command]
  }
}
