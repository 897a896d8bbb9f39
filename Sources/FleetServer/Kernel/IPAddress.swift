import Glibc

/// An address of either family; an IPv4 address mapped into IPv6 is the IPv4 address.
struct IPAddress: Hashable, CustomStringConvertible {
  // Two numbers and no array: a machine with many tunnels has tens of thousands of addresses in one look at its sockets.
  private let high: UInt64
  private let low: UInt64
  let isV4: Bool

  /// `nil` unless there are 4 or 16 bytes.
  init?(networkOrder bytes: some Collection<UInt8>) {
    var (high, low, count): (UInt64, UInt64, Int) = (0, 0, 0)
    for byte in bytes {
      high = high << 8 | low >> 56
      low = low << 8 | UInt64(byte)
      count += 1
    }
    guard count == 4 || count == 16 else { return nil }
    isV4 = count == 4 || high == 0 && low >> 32 == 0xFFFF
    self.high = high
    self.low = isV4 ? low & 0xFFFF_FFFF : low
  }

  /// 4 or 16 bytes in network order.
  var bytes: [UInt8] {
    let all = withUnsafeBytes(of: high.bigEndian) { Array($0) } + withUnsafeBytes(of: low.bigEndian) { Array($0) }
    return isV4 ? Array(all[12...]) : all
  }

  /// Parses the usual notation; a zone such as `%eth0` is dropped.
  init?(parsing text: some StringProtocol) {
    if let address = Self(dotted: text.utf8) {
      self = address
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &v6) == 1 else { return nil }
    self = withUnsafeBytes(of: v6) { IPAddress(networkOrder: $0)! }
  }

  /// `nil` unless the text is four plain numbers below 256 with points between.
  private init?(dotted text: some Collection<UInt8>) {
    var (address, part, digits, points): (UInt64, UInt64, Int, Int) = (0, 0, 0, 0)
    for byte in text {
      switch byte {
      case 0x30...0x39:
        guard digits < 3, digits == 0 || part > 0 else { return nil }
        part = part * 10 + UInt64(byte - 0x30)
        digits += 1
      case 0x2E:
        guard digits > 0, part < 256 else { return nil }
        address = address << 8 | part
        (part, digits, points) = (0, 0, points + 1)
      default: return nil
      }
    }
    guard points == 3, digits > 0, part < 256 else { return nil }
    (high, low, isV4) = (0, address << 8 | part, true)
  }

  var description: String {
    guard !isV4 else { return "\(low >> 24).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF)" }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = bytes.withUnsafeBytes { inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  var isUnspecified: Bool { high == 0 && low == 0 }

  /// `Loopback.address`.
  static let loopback = IPAddress(networkOrder: [127, 0, 0, 1])!
}
