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

  /// The socket of a connection that stands, made now if there is none; `nil` when it cannot be shared.
  ///
  /// Throws why HostA cannot be reached.
  func socket() throws(Refusal) -> (path: String, isNew: Bool)? {
    if let live = folder.liveSockets(stem).first { return (live, false) }
    // Many commands that begin at the same time log in once.
    guard let lock = FileLock(path: "\(folder.path)/\(stem).lock", within_ms: 5000) else { return nil }
    return try withExtendedLifetime(lock) { () throws(Refusal) in
      if let live = folder.liveSockets(stem).first { return (live, false) }
      return try connect(folder.newSocket(stem)).map { ($0, true) }
    }
  }

  /// Nobody new goes over a connection that HostA does not answer on; it ends by itself.
  func abandon(_ socket: String) { unlink(socket) }

  private func connect(_ socket: String) throws(Refusal) -> String? {
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let process = try Subprocess.spawn(
      HostConnectionArguments.master(to: host, pins: paths.hostPins, socket: socket),
      [0: null, 1: null, 2: errorOutput])
    errorOutput.close()
    complaints.setNonBlocking()
    var said: [UInt8] = []
    // It goes to the background, which ends the process that was started, once it is logged in and has its socket.
    while true {
      let status = Subprocess.statusIfEnded(process)
      said += complaints.readAvailable()
      if let status {
        guard status == 0 else {
          throw ConnectionFailure.refusal(
            host: host, paths: paths, exitStatus: status, errorText: String(decoding: said, as: UTF8.self))
        }
        return ControlFolder.isAwake(socket) ? socket : nil
      }
      if SSHFailure.meansNoSharing(String(decoding: said, as: UTF8.self)) {
        // Without its socket it would stay in the foreground and serve nobody.
        kill(process, SIGTERM)
        _ = Subprocess.wait(for: process)
        return nil
      }
      var polled = pollfd(fd: complaints.number, events: Int16(POLLIN), revents: 0)
      _ = poll(&polled, 1, 2)
      if polled.revents & Int16(POLLHUP) != 0 { usleep(1000) }
    }
  }
}
