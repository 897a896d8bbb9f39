import FleetProtocol

extension SocketTable {
  /// The machine's sockets now, of both families; what cannot be read is left out.
  static func current() -> SocketTable {
    let texts = ["/proc/net/tcp", "/proc/net/tcp6"].map { (try? FileReading.bytes(of: $0)) ?? [] }
    return SocketTable(entries: texts.flatMap { SocketTable(parsing: $0).entries })
  }

  /// The same; throws `io-failed` where nothing is known. A machine without IPv6 has one family.
  static func read() throws(Refusal) -> SocketTable {
    guard let text = try FileReading.bytes(of: "/proc/net/tcp") else {
      throw Refusal(.ioFailed, "the kernel's table of sockets cannot be read")
    }
    let other = try FileReading.bytes(of: "/proc/net/tcp6") ?? []
    return SocketTable(entries: [text, other].flatMap { SocketTable(parsing: $0).entries })
  }
}
