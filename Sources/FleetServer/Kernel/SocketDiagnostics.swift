import CLinux
import FleetProtocol
import Glibc

/// Asks the kernel for TCP sockets with what it knows of each; any user may.
enum SocketDiagnostics {
  /// What a HostA must know of all sockets of its machine.
  struct Sockets {
    var connections: [SSHConnection: ConnectionHealth] = [:]
    var listeners = SocketTable(entries: [])
  }

  /// All established connections and all listeners; `nil` where this system does not answer such questions.
  static func sockets() -> Sockets? {
    var found = Sockets()
    for family in [AF_INET, AF_INET6] {
      guard let parts = answer(to: dump(family: UInt8(family)), isDump: true) else { return nil }
      for part in parts {
        switch part {
        case .connection(let connection, let health): found.connections[connection] = health
        case .listener(let entry): found.listeners.entries.append(entry)
        case .failed: return nil
        case .done: break
        }
      }
    }
    return found
  }

  /// What the kernel knows of one connection: it costs the same however many there are.
  enum Lookup: Hashable {
    /// This system does not answer such questions.
    case untold
    case none
    case established(ConnectionHealth)
  }

  static func lookUp(_ connection: SSHConnection) -> Lookup {
    for part in answer(to: question(connection), isDump: false) ?? [] {
      switch part {
      case .connection(connection, let health): return .established(health)
      case .failed(ENOENT), .connection, .listener: return .none
      case .failed, .done: return .untold
      }
    }
    return .untold
  }

  private static func answer(to request: [UInt8], isDump: Bool) -> [SocketDiagnosticsMessage.Part]? {
    let descriptor = socket(AF_NETLINK, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), NETLINK_SOCK_DIAG)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard request.withUnsafeBytes({ send(descriptor, $0.baseAddress, $0.count, 0) }) == request.count else {
      return nil
    }
    var found: [SocketDiagnosticsMessage.Part] = []
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      found += SocketDiagnosticsMessage.parts(of: buffer[..<count])
      switch found.last {
      case .done, .failed: return found
      default: if !isDump { return found }
      }
    }
  }

  /// Asks for all that are established (state 1) or listen (state 10).
  private static func dump(family: UInt8) -> [UInt8] {
    var body = inet_diag_req_v2()
    body.sdiag_family = family
    body.idiag_states = 1 << 1 | 1 << 10
    return request(body, flags: 0x300)  // NLM_F_DUMP
  }

  private static func question(_ connection: SSHConnection) -> [UInt8] {
    var body = inet_diag_req_v2()
    body.sdiag_family = UInt8(connection.local.isV4 ? AF_INET : AF_INET6)
    body.idiag_states = 1 << 1
    body.id.idiag_sport = connection.localPort.rawValue.bigEndian
    body.id.idiag_dport = connection.remotePort.rawValue.bigEndian
    withUnsafeMutableBytes(of: &body.id.idiag_src) { $0.copyBytes(from: connection.local.bytes) }
    withUnsafeMutableBytes(of: &body.id.idiag_dst) { $0.copyBytes(from: connection.remote.bytes) }
    body.id.idiag_cookie = (.max, .max)  // INET_DIAG_NOCOOKIE
    return request(body, flags: 0)
  }

  private static func request(_ body: inet_diag_req_v2, flags: UInt16) -> [UInt8] {
    var body = body
    body.sdiag_protocol = UInt8(IPPROTO_TCP)
    body.idiag_ext = 1 << UInt8(INET_DIAG_INFO - 1)
    var header = nlmsghdr()
    header.nlmsg_len = UInt32(MemoryLayout<nlmsghdr>.size + MemoryLayout<inet_diag_req_v2>.size)
    header.nlmsg_type = UInt16(SOCK_DIAG_BY_FAMILY)
    header.nlmsg_flags = UInt16(NLM_F_REQUEST) | flags
    return withUnsafeBytes(of: header) { Array($0) } + withUnsafeBytes(of: body) { Array($0) }
  }
}
