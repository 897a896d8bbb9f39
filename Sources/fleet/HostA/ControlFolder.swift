import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The private folder of the sockets through which connections are used again.
struct ControlFolder {
  let path: String

  /// `nil` where there is no folder that is ours alone: then nothing is used again.
  init?(_ paths: FleetPaths) {
    let runtime = LaptopEnvironment.variable("XDG_RUNTIME_DIR").flatMap { Self.isOursAlone($0) ? $0 : nil }
    for folder in ControlSocketName.folders(runtimeFolder: runtime, stateFolder: paths.stateFolder) {
      try? FileStore.makeFolder(folder)
      if Self.isOursAlone(folder) {
        path = folder
        return
      }
    }
    return nil
  }

  private static func isOursAlone(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
      && information.st_uid == geteuid() && information.st_mode & 0o077 == 0
  }

  /// The path of a socket that this process, or the ssh that it becomes, may make.
  func newSocket(_ stem: String) -> String {
    let socket = "\(path)/\(stem).\(getpid())"
    unlink(socket)
    return socket
  }

  /// The sockets whose names begin so, of masters that are awake. Those that nobody is behind any more are removed.
  func liveSockets(_ prefix: String) -> [String] {
    sockets(prefix).filter { socket in
      if Self.isAwake(socket) { return true }
      unlink(socket)
      return false
    }
  }

  /// Every socket whose name begins so, whoever is behind it.
  func sockets(_ prefix: String) -> [String] {
    FileStore.names(in: path).filter { name in
      guard name.hasPrefix(prefix), let dot = name.firstIndex(of: ".") else { return false }
      return name[name.index(after: dot)...].allSatisfy(\.isNumber)
    }.map { "\(path)/\($0)" }
  }

  /// A master greets whoever connects to its socket: one that was stopped, or hangs, does not.
  static func isAwake(_ socket: String) -> Bool {
    guard let connection = try? UnixSocket.make(),
      UnixSocket.withAddress(socket, { connect(connection.number, $0, $1) }) == 0
    else { return false }
    var polled = pollfd(fd: connection.number, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    return poll(&polled, 1, 1000) > 0 && recv(connection.number, &byte, 1, Int32(MSG_PEEK)) > 0
  }
}
