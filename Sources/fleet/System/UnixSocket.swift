import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Stream sockets that are files.
enum UnixSocket {
  /// Throws `io-failed`.
  static func make() throws(Refusal) -> Descriptor {
    let descriptor = Descriptor(socket(AF_UNIX, Platform.socketStream, 0))
    guard descriptor.isOpen else { throw .system("cannot make a socket") }
    descriptor.setCloseOnExec()
    return descriptor
  }

  /// Calls `body` with the path as a socket address; -1 for a path that is too long for one.
  static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < capacity else {
      errno = ENAMETOOLONG
      return -1
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
