import FleetProtocol

/// Where the private sshd listens: `0.0.0.0:2222` or `[::]:2222`.
struct ListenAddress: Hashable, CustomStringConvertible {
  var address: IPAddress
  var port: TCPPort

  init(address: IPAddress, port: TCPPort) {
    self.address = address
    self.port = port
  }

  /// An IPv6 address needs its brackets.
  init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = TCPPort(parsing: text[text.index(after: colon)...]) else {
      return nil
    }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard host.contains(":") == isBracketed, !host.contains("%"), let address = IPAddress(parsing: host) else {
      return nil
    }
    self.init(address: address, port: port)
  }

  var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }
}
