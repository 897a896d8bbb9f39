/// A TCP port that can be listened on or connected to: 1 to 65535.
public struct TCPPort: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16

  /// `nil` for 0 and for what does not fit 16 bits.
  public init?(_ value: some BinaryInteger) {
    guard let raw = UInt16(exactly: value), raw != 0 else { return nil }
    rawValue = raw
  }

  /// Parses plain decimal digits without sign, leading zero or white space.
  public init?(parsing text: some StringProtocol) {
    var value: UInt32 = 0
    for byte in text.utf8 {
      guard byte >= 0x30, byte <= 0x39, value < 0x10000, value > 0 || byte != 0x30 else { return nil }
      value = value * 10 + UInt32(byte - 0x30)
    }
    self.init(value)
  }

  public var description: String { String(rawValue) }

  public static func < (left: TCPPort, right: TCPPort) -> Bool { left.rawValue < right.rawValue }
}

/// An inclusive range of ports from which leases are taken, written `20000-29999`.
public struct PortRange: Hashable, Sendable, CustomStringConvertible {
  public let lower: TCPPort
  public let upper: TCPPort

  /// `nil` when `lower` is above `upper`.
  public init?(_ lower: TCPPort, _ upper: TCPPort) {
    guard lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// Parses `LOWER-UPPER`.
  public init?(parsing text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let lower = TCPPort(parsing: parts[0]), let upper = TCPPort(parsing: parts[1])
    else { return nil }
    self.init(lower, upper)
  }

  /// How many ports the range holds.
  public var count: Int { Int(upper.rawValue) - Int(lower.rawValue) + 1 }

  public func contains(_ port: TCPPort) -> Bool { lower <= port && port <= upper }

  public var description: String { "\(lower)-\(upper)" }
}
