import Glibc

/// An address of either family; an IPv4 address mapped into IPv6 is the IPv4 address.
struct IPAddress: Hashable, CustomStringConvertible {
  /// 4 or 16 bytes in network order.
  let bytes: [UInt8]

  /// `nil` unless there are 4 or 16 bytes.
  init?(networkOrder bytes: some Collection<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    let bytes = Array(bytes)
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    self.bytes = bytes.starts(with: mapped) ? Array(bytes[12...]) : bytes
  }

  /// Parses the usual notation; a zone such as `%eth0` is dropped.
  init?(parsing text: some StringProtocol) {
    let text = String(text.prefix { $0 != "%" })
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.init(networkOrder: withUnsafeBytes(of: v4) { Array($0) })
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      self.init(networkOrder: withUnsafeBytes(of: v6) { Array($0) })
    } else {
      return nil
    }
  }

  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = bytes.withUnsafeBytes {
      inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

  /// `Loopback.address`.
  static let loopback = IPAddress(v4: [127, 0, 0, 1])

  private init(v4 bytes: [UInt8]) { self.bytes = bytes }
}
