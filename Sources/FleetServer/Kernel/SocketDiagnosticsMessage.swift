import CLinux
import FleetProtocol

/// What the kernel knows of one established TCP connection.
struct ConnectionHealth: Hashable {
  /// Milliseconds since anything last came from the other side, an acknowledgement included.
  var silence_ms: Int64
  /// Smoothed round trip time; `nil` before the first measurement.
  var rtt_ms: Double?
  var bytesReceived: Int64
  /// Bytes that the other side has acknowledged.
  var bytesAcknowledged: Int64
}

/// Reads the kernel's answers to a sock_diag(7) request.
enum SocketDiagnosticsMessage {
  enum Part: Hashable {
    case connection(SSHConnection, ConnectionHealth)
    case listener(SocketTable.Entry)
    case done
    /// The kernel's errno.
    case failed(Int32)
  }

  private static let established: UInt8 = 1
  private static let listening: UInt8 = 10

  /// The messages in one datagram; what is not understood is left out.
  static func parts(of datagram: some Collection<UInt8>) -> [Part] {
    let found = datagram.withContiguousStorageIfAvailable { parts(UnsafeRawBufferPointer($0)) }
    return found ?? Array(datagram).withUnsafeBytes { parts($0) }
  }

  private static func parts(_ datagram: UnsafeRawBufferPointer) -> [Part] {
    var parts: [Part] = []
    var offset = 0
    while let header = load(nlmsghdr.self, from: datagram, at: offset) {
      let length = Int(header.nlmsg_len)
      guard length >= MemoryLayout<nlmsghdr>.size, length <= datagram.count - offset else { break }
      let body = UnsafeRawBufferPointer(rebasing: datagram[(offset + MemoryLayout<nlmsghdr>.size)..<(offset + length)])
      switch Int32(header.nlmsg_type) {
      case NLMSG_DONE: parts.append(.done)
      case NLMSG_ERROR: parts.append(.failed(0 &- (load(Int32.self, from: body, at: 0) ?? 0)))
      default: if let socket = socket(body) { parts.append(socket) }
      }
      offset += aligned(length)
    }
    return parts
  }

  private static func socket(_ body: UnsafeRawBufferPointer) -> Part? {
    guard let message = load(inet_diag_msg.self, from: body, at: 0) else { return nil }
    let width = message.idiag_family == 2 ? 4 : 16
    let source = withUnsafeBytes(of: message.id.idiag_src) { IPAddress(networkOrder: $0.prefix(width)) }
    guard let local = source, let localPort = TCPPort(UInt16(bigEndian: message.id.idiag_sport)) else { return nil }
    if message.idiag_state == listening {
      return .listener(
        SocketTable.Entry(
          local: local, port: localPort, isListening: true, isTimeWait: false, uid: message.idiag_uid))
    }
    let destination = withUnsafeBytes(of: message.id.idiag_dst) { IPAddress(networkOrder: $0.prefix(width)) }
    guard message.idiag_state == established, let remote = destination,
      let remotePort = TCPPort(UInt16(bigEndian: message.id.idiag_dport)),
      let health = health(attributes: body, from: aligned(MemoryLayout<inet_diag_msg>.size))
    else { return nil }
    return .connection(
      SSHConnection(remote: remote, remotePort: remotePort, local: local, localPort: localPort), health)
  }

  private static func health(attributes body: UnsafeRawBufferPointer, from start: Int) -> ConnectionHealth? {
    var offset = start
    while let attribute = load(nlattr.self, from: body, at: offset) {
      let length = Int(attribute.nla_len)
      guard length >= MemoryLayout<nlattr>.size, length <= body.count - offset else { return nil }
      if Int(attribute.nla_type) == INET_DIAG_INFO {
        let begin = offset + MemoryLayout<nlattr>.size
        return health(UnsafeRawBufferPointer(rebasing: body[begin..<(offset + length)]))
      }
      offset += aligned(length)
    }
    return nil
  }

  private static func health(_ bytes: UnsafeRawBufferPointer) -> ConnectionHealth? {
    guard let start = bytes.baseAddress else { return nil }
    let info = clinux_read_tcp_info(start, bytes.count)
    return ConnectionHealth(
      silence_ms: Int64(min(info.last_data_received_ms, info.last_acknowledgement_received_ms)),
      rtt_ms: info.round_trip_us > 0 ? Double(info.round_trip_us) / 1000 : nil,
      bytesReceived: Int64(clamping: info.bytes_received),
      bytesAcknowledged: Int64(clamping: info.bytes_acknowledged))
  }

  private static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }

  private static func load<T: BitwiseCopyable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer, at offset: Int) -> T?
  {
    guard offset >= 0, offset + MemoryLayout<T>.size <= bytes.count else { return nil }
    return bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
  }
}
