import CDescriptorPassing
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Hands an open connection to the ssh that this process is about to become.
///
/// ssh closes every descriptor that it inherits, and takes an open connection only from its ProxyCommand
/// (ProxyUseFdpass). So a small process of ours, the *holder*, keeps the connection behind a Unix socket until
/// `fleet proxy --adopt` fetches it; then both end, and no process of ours stands in the way of the bytes.
enum DescriptorHandover {
  /// How long a holder waits, at most.
  private static let patience_s: Int32 = 30
  /// Where the holder finds its two descriptors.
  private static let listenerNumber: Int32 = 3
  private static let connectionNumber: Int32 = 4

  /// Starts a holder and returns the socket's path. The holder removes it, and its private folder, when it ends.
  static func offer(_ connection: Descriptor, program: String) throws(Refusal) -> String {
    let folder = try FileStore.makeTemporaryFolder()
    let path = "\(folder)/s"
    do throws(Refusal) {
      let listener = try listener(at: path)
      let null = try Descriptor.open("/dev/null", O_RDWR)
      _ = try Subprocess.spawn(
        [program, "proxy", "--hold", path],
        [
          0: null, 1: null, 2: null, listenerNumber: listener, connectionNumber: connection,
        ])
    } catch {
      FileStore.remove(files: ["s"], in: folder)
      throw error
    }
    return path
  }

  /// A socket at which `adopt` fetches a connection.
  static func listener(at path: String) throws(Refusal) -> Descriptor {
    let listener = try UnixSocket.make()
    guard UnixSocket.withAddress(path, { bind(listener.number, $0, $1) }) == 0, listen(listener.number, 1) == 0 else {
      throw .system("cannot listen on \(DisplayText.escaped(path))")
    }
    return listener
  }

  /// Passes the connection to who waits at the listener; false if that is nobody of this user.
  static func pass(_ connection: Descriptor, at listener: Descriptor) -> Bool {
    let peer = Descriptor(accept(listener.number, nil, nil))
    guard peer.isOpen, descriptor_passing_peer_uid(peer.number) == Int(geteuid()) else { return false }
    return descriptor_passing_send(peer.number, connection.number) == 0
  }

  /// The holder's whole life: passes its connection once, to a process of the same user.
  static func hold(path: String) {
    let listener = Descriptor(listenerNumber)
    let connection = Descriptor(connectionNumber)
    listener.setCloseOnExec()
    connection.setCloseOnExec()
    defer { if let slash = path.lastIndex(of: "/") { FileStore.remove(files: ["s"], in: String(path[..<slash])) } }
    let starter = getppid()
    var waits = patience_s * 5
    // The starter has become ssh; should it end early, nobody will come any more.
    while waits > 0, getppid() == starter {
      waits -= 1
      var polled = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
      guard poll(&polled, 1, 200) > 0 else { continue }
      if pass(connection, at: listener) { return }
    }
  }

  /// Fetches the connection from the holder and gives it to ssh, which waits for it on standard output.
  static func adopt(path: String) throws(Refusal) {
    try give(try take(path: path))
  }

  /// Gives a connection to the ssh that started this process as its ProxyCommand with ProxyUseFdpass.
  static func give(_ connection: Descriptor) throws(Refusal) {
    guard descriptor_passing_send(STDOUT_FILENO, connection.number) == 0 else {
      throw .system("cannot hand the connection to ssh")
    }
  }

  /// Fetches the connection from the holder, who gives it away once. Throws `io-failed` when nobody holds it any more.
  static func take(path: String) throws(Refusal) -> Descriptor {
    let socket = try UnixSocket.make()
    guard UnixSocket.withAddress(path, { connect(socket.number, $0, $1) }) == 0 else {
      throw .system("cannot take over the connection")
    }
    let connection = Descriptor(descriptor_passing_receive(socket.number))
    guard connection.isOpen else { throw .system("cannot take over the connection") }
    return connection
  }

  /// A connection whose other side is gone.
  static func ended() throws(Refusal) -> Descriptor {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0 else { throw .system("cannot make a socket") }
    Descriptor(ends[1]).close()
    return Descriptor(ends[0])
  }
}
