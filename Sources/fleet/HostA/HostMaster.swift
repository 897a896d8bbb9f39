import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The connection to HostA that requests share: an ssh in the background, which ends a minute after the last of them.
struct HostMaster {
  let host: ConfiguredHost
  let paths: FleetPaths
  private let folder: ControlFolder
  private let stem: String

  /// How long a line of our own may take until it is connected.
  private static let linePatience = Duration.seconds(3)

  /// `nil` where nothing may be used again.
  init?(host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse) {
    guard reuse == .wanted, let folder = ControlFolder(paths) else { return nil }
    self.host = host
    self.paths = paths
    self.folder = folder
    stem = ControlSocketName.host(
      host, paths: paths, localAddress: LocalAddress.towards(host.address),
      agent: LaptopEnvironment.variable("SSH_AUTH_SOCK"))
  }

  /// A connection that stands.
  struct Standing {
    let socket: String
    /// Whether it was made just now, and so is surely good.
    let isNew: Bool
    /// The line of a new one, where it is ours.
    let line: DirectLine?
  }

  /// The connection that stands, or one that is made now; `nil` when none can be shared.
  ///
  /// Throws why HostA cannot be reached.
  func standing() throws(Refusal) -> Standing? {
    if let live = old { return live }
    // Many commands that begin at the same time log in once.
    guard let lock = FileLock(path: "\(folder.path)/\(stem).lock", within_ms: 5000) else { return nil }
    return try withExtendedLifetime(lock) { () throws(Refusal) in
      if let live = old { return live }
      let line = DirectLine(host: host, pins: paths.hostPins)
      return try connect(folder.newSocket(stem), over: line)
    }
  }

  private var old: Standing? {
    folder.liveSockets(stem).first.map { Standing(socket: $0, isNew: false, line: nil) }
  }

  /// Nobody new goes over a connection that HostA does not answer on; it ends by itself.
  func abandon(_ socket: String) { unlink(socket) }

  private func connect(_ socket: String, over line: DirectLine?) throws(Refusal) -> Standing? {
    var arguments = HostConnectionArguments.master(to: host, pins: paths.hostPins, socket: socket)
    if let line, let program = Platform.executablePath {
      arguments = HostConnectionArguments.master(
        to: host, pins: paths.hostPins, socket: socket, handover: try line.offer(program: program), program: program)
    }
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let process = try Subprocess.spawn(arguments, [0: null, 1: null, 2: errorOutput])
    errorOutput.close()
    complaints.setNonBlocking()
    var said: [UInt8] = []
    let clock = ContinuousClock()
    let deadline = clock.now + Self.linePatience
    // It goes to the background, which ends the process that was started, once it is logged in and has its socket.
    while true {
      line?.acknowledge()
      let status = Subprocess.statusIfEnded(process)
      said += complaints.readAvailable()
      if let status {
        guard status == 0 else {
          // ssh on its own says better why there is no way to HostA.
          if let line, !line.isConnected { return try connect(socket, over: nil) }
          throw ConnectionFailure.refusal(
            host: host, paths: paths, exitStatus: status, errorText: String(decoding: said, as: UTF8.self))
        }
        return ControlFolder.isAwake(socket) ? Standing(socket: socket, isNew: true, line: line) : nil
      }
      if let line, clock.now >= deadline, !line.isConnected {
        Self.end(process)
        return try connect(socket, over: nil)
      }
      if SSHFailure.meansNoSharing(String(decoding: said, as: UTF8.self)) {
        // Without its socket it would stay in the foreground and serve nobody.
        Self.end(process)
        return nil
      }
      var polled = pollfd(fd: complaints.number, events: Int16(POLLIN), revents: 0)
      _ = poll(&polled, 1, 2)
      if polled.revents & Int16(POLLHUP) != 0 { usleep(1000) }
    }
  }

  private static func end(_ process: pid_t) {
    kill(process, SIGTERM)
    _ = Subprocess.wait(for: process)
  }
}
