internal import Glibc

/// A non-blocking TCP socket, closed when the value's owner is gone.
public final class TCPSocket {
  public let descriptor: CInt

  /// What a connect came to. The text is the kernel's.
  public enum Connect: Hashable, Sendable {
    case connected
    case pending
    case failed(CInt, String)
  }

  /// Begins to connect. Small writes go out at once (TCP_NODELAY).
  ///
  /// Sent data that nobody acknowledges for `userTimeout_ms` breaks the connection (TCP_USER_TIMEOUT); with 0 the
  /// kernel tries for 15 minutes.
  public init(connectingTo address: SocketAddress, userTimeout_ms: CInt = 0) {
    let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.family, kind, 0)
    self.descriptor = descriptor
    guard descriptor >= 0 else {
      begun = errno
      return
    }
    Self.set(descriptor, TCP_NODELAY, 1)
    if userTimeout_ms > 0 { Self.set(descriptor, TCP_USER_TIMEOUT, userTimeout_ms) }
    begun = address.withUnsafeAddress { connect(descriptor, $0, $1) } == 0 ? 0 : errno
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The errno with which connect(2) returned.
  private let begun: CInt

  /// Whether the connection stands now. Ask again when poll says that the socket can be written.
  public func checkConnected() -> Connect {
    guard begun == 0 || begun == EINPROGRESS else { return .failed(begun, systemErrorText(begun)) }
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&entry, 1, 0) == 1 else { return .pending }
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
      return .failed(errno, systemErrorText(errno))
    }
    return code == 0 ? .connected : .failed(code, systemErrorText(code))
  }

  static func set(_ descriptor: CInt, _ option: CInt, _ value: CInt) {
    var value = value
    setsockopt(descriptor, CInt(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<CInt>.size))
  }
}
