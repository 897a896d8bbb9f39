/// Reads what the kernel announces of the machine's network (rtnetlink(7)): whether a new try may fare better now.
struct NetworkChanges: Sendable {
  private static let headerLength = 16
  private static let newLink: UInt16 = 16
  private static let newAddress: UInt16 = 20
  private static let deletedAddress: UInt16 = 21
  private static let newRoute: UInt16 = 24
  /// IFF_LOWER_UP: the link has a carrier.
  private static let lowerUp: UInt32 = 0x10000
  /// RTM_F_CLONED: an entry of the kernel's own cache.
  private static let cloned: UInt32 = 0x200

  private static let addressAttribute: UInt16 = 1
  /// IFA_F_TENTATIVE: IPv6 has not made sure yet that the address is free.
  private static let tentative: UInt8 = 0x40

  /// Whether each link, by its index, had a carrier when it was last announced.
  private var carriers: [UInt32: Bool] = [:]
  /// Whether each address, by what names it, could be used when it was last announced.
  private var addresses: [[UInt8]: Bool] = [:]

  /// Takes in one datagram. Returns whether an address, a route or a carrier has changed.
  mutating func read(_ datagram: [UInt8]) -> Bool {
    var isChanged = false
    var start = 0
    while let length = Self.number32(datagram, at: start).map(Int.init), length >= Self.headerLength,
      start + length <= datagram.count, let kind = Self.number16(datagram, at: start + 4)
    {
      let body = Array(datagram[(start + Self.headerLength)..<(start + length)])
      if message(kind, body) { isChanged = true }
      start += (length + 3) & ~3
    }
    return isChanged
  }

  private mutating func message(_ kind: UInt16, _ body: [UInt8]) -> Bool {
    switch kind {
    case Self.newAddress, Self.deletedAddress:
      // Routers renew IPv6 addresses every few seconds; that changes nothing.
      guard body.count >= 8 else { return false }
      let isUsable = kind == Self.newAddress && body[2] & Self.tentative == 0
      if addresses.count >= 256 { addresses = [:] }
      return addresses.updateValue(isUsable, forKey: Self.name(ofAddress: body)) != isUsable
    case Self.newRoute: return Self.number32(body, at: 8).map { $0 & Self.cloned == 0 } ?? false
    case Self.newLink:
      // A link is announced for many reasons; only the carrier matters.
      guard let index = Self.number32(body, at: 4), let flags = Self.number32(body, at: 8) else { return false }
      let hasCarrier = flags & Self.lowerUp != 0
      if carriers.count >= 256 { carriers = [:] }
      let before = carriers.updateValue(hasCarrier, forKey: index)
      return before.map { $0 != hasCarrier } ?? hasCarrier
    default: return false
    }
  }

  /// The family, the link's index and the address itself.
  private static func name(ofAddress body: [UInt8]) -> [UInt8] {
    var name = [body[0]] + body[4..<8]
    var start = 8
    while let length = number16(body, at: start).map(Int.init), length >= 4, start + length <= body.count {
      if number16(body, at: start + 2) == addressAttribute { name += body[(start + 4)..<(start + length)] }
      start += (length + 3) & ~3
    }
    return name
  }

  private static func number16(_ bytes: [UInt8], at start: Int) -> UInt16? {
    guard start >= 0, start + 2 <= bytes.count else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt16.self) }
  }

  private static func number32(_ bytes: [UInt8], at start: Int) -> UInt32? {
    guard start >= 0, start + 4 <= bytes.count else { return nil }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt32.self) }
  }
}
