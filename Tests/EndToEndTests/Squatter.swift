import Foundation

/// A program of another account (the test's own) that listens on a port of HostA's loopback.
final class Squatter {
  private let descriptor: Int32

  init(port: Int) throws {
    descriptor = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    // As sshd does it: what is left of the tunnel's closed connections is not in the way.
    var reuse: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0, listen(descriptor, 16) == 0 else { throw NeverHappened(what: "the squatter listens on \(port)") }
  }

  /// Whether somebody has connected since the last look.
  func wasVisited() -> Bool {
    let visitor = accept(descriptor, nil, nil)
    if visitor >= 0 { Foundation.close(visitor) }
    return visitor >= 0
  }

  func leave() { Foundation.close(descriptor) }
}
