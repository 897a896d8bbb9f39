import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Becomes scp, sftp or rsync, with this program in the place of their ssh.
enum ToolLaunch {
  /// Reaches every device first, so that HostA's refusal is the command's own, and hands the connections on. Where one
  /// stands already, the tool's ssh finds it by itself.
  ///
  /// `arguments` makes the tool's command line from the path of `fleet`. Returns only by throwing.
  static func become(
    logins: [DeviceLogin], package: String, _ arguments: (String) -> [String]
  ) throws(Refusal) -> Never {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let line = arguments(program)
    guard isInstalled(line[0]) else {
      throw Refusal(
        .toolMissing, "the program '\(line[0])' is not installed on this laptop",
        hint: "install it, for example by 'sudo apt install \(package)'")
    }
    let context = try LaptopContext()
    var handed = HandedConnections()
    for login in logins where handed.connection(to: login.device) == nil {
      let (host, paths) = (context.host, context.paths)
      let master = DeviceMaster(login.device, host: host, paths: paths, reuse: .chosen)
      if master?.find(user: login.user) != nil { continue }
      let connection = try DeviceConnection.open(login.device, host: host, paths: paths)
      handed.waiting.append(
        .init(
          device: login.device, user: connection.header.user, isDetached: connection.isDetached,
          socket: try DescriptorHandover.offer(connection.socket, program: program)))
    }
    setenv(HandedConnections.variable, handed.text, 1)
    throw Subprocess.replaceSelf(line)
  }

  /// What was handed to this process, which a tool has started in ssh's place; `nil` when none has.
  static func handed() -> HandedConnections? {
    guard let text = LaptopEnvironment.variable(HandedConnections.variable) else { return nil }
    // What we start is not in ssh's place any more.
    unsetenv(HandedConnections.variable)
    return HandedConnections(parsing: text)
  }

  private static func isInstalled(_ tool: String) -> Bool {
    (LaptopEnvironment.variable("PATH") ?? "/usr/bin:/bin").split(separator: ":").contains {
      access("\($0)/\(tool)", X_OK) == 0
    }
  }
}
