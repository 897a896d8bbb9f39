internal import Glibc

/// A blocking TCP socket on 127.0.0.1 for tests, with a time limit of 30 s on everything.
public final class LoopbackSocket: Sendable {
  /// What a socket call failed with.
  public struct Failure: Error {
    public let code: Int32
  }

  public let descriptor: CInt

  private init(_ descriptor: CInt) throws(Failure) {
    guard descriptor >= 0 else { throw Failure(code: errno) }
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  public convenience init(connectingTo port: UInt16) throws(Failure) {
    try self.init(socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
    guard Self.withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { throw Failure(code: errno) }
  }

  /// Listens on a port, by default on a free one.
  public convenience init(listeningOn port: UInt16 = 0) throws(Failure) {
    try self.init(socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
    var on: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
    guard Self.withLoopback(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 200) == 0 else {
      throw Failure(code: errno)
    }
  }

  /// The port of this side.
  public var port: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  public func accept() throws(Failure) -> LoopbackSocket { try LoopbackSocket(Glibc.accept(descriptor, nil, nil)) }

  /// Ends a listener's or a peer's waiting.
  public func shutDown() { shutdown(descriptor, CInt(SHUT_RDWR)) }

  /// Says that nothing more will be written.
  public func endWriting() { shutdown(descriptor, CInt(SHUT_WR)) }

  public func write(_ bytes: [UInt8]) throws(Failure) {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress! + start, $0.count - start, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure(code: errno) }
      start += count
    }
  }

  /// What has come, at most `limit` bytes; none at the end.
  public func read(limit: Int = 65536) throws(Failure) -> [UInt8] {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, used in
      count = recv(descriptor, buffer.baseAddress, limit, 0)
      used = max(0, count)
    }
    guard count >= 0 else { throw Failure(code: errno) }
    return bytes
  }

  /// Reads until so many bytes have come, or the end.
  public func read(exactly size: Int) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < size {
      let more = try read(limit: size - bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  private static func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
