import CLinux
import Glibc

/// Asks the kernel for all established TCP connections with what it knows of each; any user may.
enum SocketDiagnostics {
  /// `nil` where this system does not answer such questions.
  static func connections() -> [SSHConnection: ConnectionHealth]? {
    var found: [SSHConnection: ConnectionHealth] = [:]
    for family in [AF_INET, AF_INET6] {
      guard let part = dump(family: UInt8(family)) else { return nil }
      found.merge(part) { first, _ in first }
    }
    return found
  }

  private static func dump(family: UInt8) -> [SSHConnection: ConnectionHealth]? {
    let descriptor = socket(AF_NETLINK, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let request = request(family: family)
    guard request.withUnsafeBytes({ send(descriptor, $0.baseAddress, $0.count, 0) }) == request.count else {
      return nil
    }
    var found: [SSHConnection: ConnectionHealth] = [:]
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      for part in SocketDiagnosticsMessage.parts(of: Array(buffer[..<count])) {
        switch part {
        case .connection(let connection, let health): found[connection] = health
        case .done: return found
        case .failed: return nil
        }
      }
    }
  }

  private static func request(family: UInt8) -> [UInt8] {
    var body = inet_diag_req_v2()
    body.sdiag_family = family
    body.sdiag_protocol = UInt8(IPPROTO_TCP)
    body.idiag_ext = 1 << UInt8(INET_DIAG_INFO - 1)
    body.idiag_states = 1 << 1  // TCP_ESTABLISHED
    var header = nlmsghdr()
    header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + MemoryLayout<inet_diag_req_v2>.size)
    header.nlmsg_type = UInt16(SOCK_DIAG_BY_FAMILY)
    header.nlmsg_flags = UInt16(NLM_F_REQUEST) | 0x300  // NLM_F_DUMP
    return withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: body) { Array($0) }
  }
}
