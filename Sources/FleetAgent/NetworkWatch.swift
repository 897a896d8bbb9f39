import Glibc

/// A socket on which the kernel announces changes of addresses, routes and carriers (rtnetlink(7)).
final class NetworkWatch {
  let descriptor: CInt
  private var changes = NetworkChanges()

  /// RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR and _IPV6_ROUTE.
  private static let groups: UInt32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400

  /// `nil` where the kernel does not offer it: the agent then finds out by itself, a little later.
  init?() {
    let kind = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    descriptor = socket(AF_NETLINK, kind, 0)
    guard descriptor >= 0 else { return nil }
    // A struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
    var address: (sa_family_t, UInt16, UInt32, UInt32) = (sa_family_t(AF_NETLINK), 0, 0, Self.groups)
    let status = withUnsafeBytes(of: &address) { bytes in
      bind(descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard status == 0 else {
      close(descriptor)
      return nil
    }
  }

  deinit { close(descriptor) }

  /// Takes in what was announced. Returns whether something of it matters.
  func hasChanged() -> Bool {
    var isChanged = false
    var buffer = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
      if count > 0 {
        if changes.read(Array(buffer[..<count])) { isChanged = true }
      } else if count < 0, errno == ENOBUFS {
        // More was announced than the socket holds: some of it will have mattered.
        isChanged = true
      } else if count < 0, errno == EINTR {
        continue
      } else {
        return isChanged
      }
    }
  }
}
