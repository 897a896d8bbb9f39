import Foundation

/// A program of another account (the test's own) that listens on a port of HostA's loopback.
final class Squatter {
  private let descriptor: Int32

  /// Listens on an IPv4 address, or with `::` on all of both kinds.
  init(port: Int, address: String = "127.0.0.1") throws {
    let family = address.contains(":") ? AF_INET6 : AF_INET
    descriptor = socket(
      family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    // As sshd does it: what is left of the tunnel's closed connections is not in the way.
    var reuse: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    let bound: Int32
    if family == AF_INET {
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = in_port_t(port).bigEndian
      inet_pton(AF_INET, address, &place.sin_addr)
      bound = Self.bind(descriptor, &place)
    } else {
      var place = sockaddr_in6()
      place.sin6_family = sa_family_t(AF_INET6)
      place.sin6_port = in_port_t(port).bigEndian
      inet_pton(AF_INET6, address, &place.sin6_addr)
      bound = Self.bind(descriptor, &place)
    }
    guard bound == 0, listen(descriptor, 16) == 0 else {
      let reason = String(cString: strerror(errno))
      Foundation.close(descriptor)
      throw NeverHappened(what: "the squatter listens on \(address) port \(port): \(reason)")
    }
  }

  private static func bind<Address>(_ descriptor: Int32, _ place: inout Address) -> Int32 {
    withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
  }

  /// Whether somebody has connected since the last look.
  func wasVisited() -> Bool {
    let visitor = accept(descriptor, nil, nil)
    if visitor >= 0 { Foundation.close(visitor) }
    return visitor >= 0
  }

  func leave() { Foundation.close(descriptor) }
}
