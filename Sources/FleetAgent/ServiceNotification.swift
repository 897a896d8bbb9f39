import Glibc

/// Tells the service manager how the agent is (sd_notify(3)). Without NOTIFY_SOCKET nothing is done.
struct ServiceNotification {
  private let descriptor: CInt
  private var address = sockaddr_un()
  private let length: socklen_t

  init?() {
    guard let path = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }), path.count < 108,
      path.first == UInt8(ascii: "/") || path.first == UInt8(ascii: "@")
    else { return nil }
    descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { buffer in
      buffer.copyBytes(from: path)
      if path[0] == UInt8(ascii: "@") { buffer[0] = 0 }
    }
    length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
  }

  /// Sends assignments such as `READY=1`, one a line.
  func send(_ message: String) {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(descriptor, message, message.utf8.count, CInt(MSG_NOSIGNAL), $0, length)
      }
    }
  }
}
