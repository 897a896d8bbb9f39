import FleetProtocol
import Glibc

/// Tries whether a port is free, by binding it for a moment without listening: SO_REUSEADDR lets connections that are
/// closed already pass, but never a second listener.
enum BindProbe {
  /// `errno` says why not.
  static func canBind(_ address: ListenAddress) -> Bool {
    let isV4 = address.address.isV4
    let descriptor = socket(isV4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer {
      let reason = errno
      close(descriptor)
      errno = reason
    }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
    if isV4 {
      var socketAddress = sockaddr_in()
      socketAddress.sin_family = sa_family_t(AF_INET)
      socketAddress.sin_port = address.port.rawValue.bigEndian
      withUnsafeMutableBytes(of: &socketAddress.sin_addr) { $0.copyBytes(from: address.address.bytes) }
      return bound(descriptor, &socketAddress)
    }
    var socketAddress = sockaddr_in6()
    socketAddress.sin6_family = sa_family_t(AF_INET6)
    socketAddress.sin6_port = address.port.rawValue.bigEndian
    withUnsafeMutableBytes(of: &socketAddress.sin6_addr) { $0.copyBytes(from: address.address.bytes) }
    return bound(descriptor, &socketAddress)
  }

  private static func bound<Address>(_ descriptor: Int32, _ address: inout Address) -> Bool {
    let length = socklen_t(MemoryLayout<Address>.size)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
    }
  }
}
