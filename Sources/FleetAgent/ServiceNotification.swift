import Glibc

/// Tells the service manager how the agent is (sd_notify(3)). Without NOTIFY_SOCKET nothing is done.
struct ServiceNotification {
  private let descriptor: CInt
  private var address = sockaddr_un()
  private let length: socklen_t
  /// How often to send `WATCHDOG=1`; `nil` when the service manager does not wait for it.
  let watchdogInterval: Duration?

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
    watchdogInterval = Self.watchdogInterval(
      limit_us: getenv("WATCHDOG_USEC").map { String(cString: $0) },
      process: getenv("WATCHDOG_PID").map { String(cString: $0) }, own: getpid())
  }

  /// Half of the manager's limit, if the limit is meant for this process (sd_watchdog_enabled(3)).
  static func watchdogInterval(limit_us: String?, process: String?, own: pid_t) -> Duration? {
    guard let limit = limit_us.flatMap(Int64.init), limit > 0, process.map({ pid_t($0) == own }) ?? true else {
      return nil
    }
    return .microseconds(limit / 2)
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

/// When the service manager wants to hear next that a loop turns. Shown only from the loop: an agent that hangs must be
/// seen to hang.
struct SignOfLife {
  private let interval: Duration?
  private(set) var deadline: Monotonic?

  init(_ notification: ServiceNotification?) {
    interval = notification?.watchdogInterval
    deadline = interval.map { _ in .now }
  }

  mutating func show(on notification: ServiceNotification?) {
    guard let deadline, deadline <= .now, let interval else { return }
    notification?.send("WATCHDOG=1")
    self.deadline = .now + interval
  }
}
