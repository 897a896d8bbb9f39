#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which of this laptop's own addresses leads to a place: when it is another one, connections from before are dead.
enum LocalAddress {
  /// In hexadecimal, by what the kernel's routes say now; nothing is sent. For a name, of which no server is asked, it is
  /// the addresses that lead to the internet. Empty without a network.
  static func towards(_ place: String) -> String {
    let own = source(towardsIPv4: place) + source(towardsIPv6: place)
    if !own.isEmpty || place.contains(":") { return own }
    // Addresses for documentation (RFC 5737, RFC 3849): nobody has them, so the default routes lead there.
    return source(towardsIPv4: "192.0.2.1") + source(towardsIPv6: "2001:db8::1")
  }

  private static func source(towardsIPv4 place: String) -> String {
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = in_port_t(9).bigEndian
    guard inet_pton(AF_INET, place, &target.sin_addr) == 1 else { return "" }
    return source(AF_INET, &target).map { hexadecimal($0.sin_addr) } ?? ""
  }

  private static func source(towardsIPv6 place: String) -> String {
    var target = sockaddr_in6()
    target.sin6_family = sa_family_t(AF_INET6)
    target.sin6_port = in_port_t(9).bigEndian
    guard inet_pton(AF_INET6, place, &target.sin6_addr) == 1 else { return "" }
    return source(AF_INET6, &target).map { hexadecimal($0.sin6_addr) } ?? ""
  }

  /// A UDP socket that is connected has an address of its own and has sent nothing.
  private static func source<Address>(_ family: Int32, _ target: inout Address) -> Address? {
    let descriptor = Descriptor(socket(family, Platform.socketDatagram, 0))
    let size = socklen_t(MemoryLayout<Address>.size)
    let isConnected = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor.number, $0, size) == 0 }
    }
    guard isConnected else { return nil }
    var own = target
    var length = size
    let isKnown = withUnsafeMutablePointer(to: &own) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor.number, $0, &length) == 0 }
    }
    return isKnown ? own : nil
  }

  private static func hexadecimal(_ value: some Any) -> String {
    withUnsafeBytes(of: value) { bytes in
      bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }
  }
}
