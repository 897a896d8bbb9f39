import FleetProtocol

/// The sockets of this machine as /proc/net/tcp and /proc/net/tcp6 list them, down to what a lease must know.
struct SocketTable {
  struct Entry: Hashable {
    var local: IPAddress
    var port: TCPPort
    var isListening: Bool
    /// Closed already; its port can be bound again.
    var isTimeWait: Bool
    var uid: UInt32
  }

  var entries: [Entry]

  /// Parses the text of either file; lines that are not understood are left out.
  init(parsing text: some Collection<UInt8>) {
    entries = text.split(separator: 0x0A).compactMap { Self.entry($0) }
  }

  init(entries: [Entry]) { self.entries = entries }

  /// Who listens where 127.0.0.1:`port` would have to be bound; `nil` when nobody does.
  func holder(of port: TCPPort) -> UInt32? {
    entries.first { entry in
      entry.isListening && entry.port == port && (entry.local == IPAddress.loopback || entry.local.isUnspecified)
    }?.uid
  }

  /// The same for all ports at once.
  var holders: [TCPPort: UInt32] {
    var holders: [TCPPort: UInt32] = [:]
    for entry in entries where entry.isListening && (entry.local == IPAddress.loopback || entry.local.isUnspecified) {
      if holders[entry.port] == nil { holders[entry.port] = entry.uid }
    }
    return holders
  }

  /// Ports that no new lease should take, because something on this machine holds them.
  var boundPorts: Set<TCPPort> { Set(entries.lazy.filter { !$0.isTimeWait }.map(\.port)) }

  private static func entry(_ line: some Collection<UInt8>) -> Entry? {
    let fields = line.split(separator: 0x20)
    guard fields.count >= 8, let (local, port) = endpoint(fields[1]),
      let state = UInt8(String(decoding: fields[3], as: UTF8.self), radix: 16),
      let uid = UInt32(String(decoding: fields[7], as: UTF8.self))
    else { return nil }
    return Entry(local: local, port: port, isListening: state == 0x0A, isTimeWait: state == 0x06, uid: uid)
  }

  /// `0100007F:4E27`: the address in words of 32 bits, each printed in the machine's own byte order.
  private static func endpoint(_ field: some Collection<UInt8>) -> (IPAddress, TCPPort)? {
    let text = String(decoding: field, as: UTF8.self)
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == 8 || parts[0].utf8.count == 32,
      let port = UInt16(parts[1], radix: 16).flatMap({ TCPPort($0) })
    else { return nil }
    var bytes: [UInt8] = []
    var rest = parts[0]
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      withUnsafeBytes(of: word) { bytes += $0 }
      rest = rest.dropFirst(8)
    }
    return IPAddress(networkOrder: bytes).map { ($0, port) }
  }
}
