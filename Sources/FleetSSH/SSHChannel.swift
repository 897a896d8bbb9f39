internal import CLibSSH2

/// One channel of a session: bytes both ways, each direction with its own end.
public final class SSHChannel {
  private let session: SSHSession
  private var handle: OpaquePointer?

  init(session: SSHSession, handle: OpaquePointer) {
    self.session = session
    self.handle = handle
  }

  /// Runs a command on a channel of `openSession`.
  public func execute(_ command: String) throws(SSHError) -> SSHProgress<Void> {
    let channel = try open()
    return try finished(
      libssh2_channel_process_startup(channel, "exec", 4, command, UInt32(command.utf8.count)))
  }

  /// Which of the two streams of a command's output to read.
  public enum Stream: CInt, Sendable {
    case output = 0
    case errors = 1
  }

  /// Reads what has come, at most `limit` bytes. No bytes at all are the end of what the peer sends,
  /// which shows only once both streams were read.
  public func read(limit: Int, from stream: Stream = .output) throws(SSHError) -> SSHProgress<[UInt8]> {
    let channel = try open()
    var status = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      status = buffer.withMemoryRebound(to: CChar.self) {
        libssh2_channel_read_ex(channel, stream.rawValue, $0.baseAddress, $0.count)
      }
      count = max(0, status)
    }
    return try hasRead(status) ? .ready(bytes) : session.blocked()
  }

  /// The same into a buffer: returns how much came, 0 at the end.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(SSHError) -> SSHProgress<Int> {
    let bytes = buffer.assumingMemoryBound(to: CChar.self)
    let status = libssh2_channel_read_ex(try open(), 0, bytes.baseAddress, bytes.count)
    return try hasRead(status) ? .ready(max(0, status)) : session.blocked()
  }

  /// Whether a read gave bytes or the end, rather than nothing yet.
  private func hasRead(_ status: Int) throws(SSHError) -> Bool {
    if status > 0 || libssh2_channel_eof(handle) == 1 { return true }
    if status == 0 || status == Int(LIBSSH2_ERROR_EAGAIN) { return false }
    throw session.error(CInt(status))
  }

  /// Writes as much as the peer's window takes, and returns how much. After `wouldBlock` the same bytes must be
  /// written again.
  public func write(bytes: [UInt8]) throws(SSHError) -> SSHProgress<Int> {
    let channel = try open()
    return try hasWritten(bytes.withUnsafeBytes { Self.write($0, to: channel) })
  }

  /// The same from a buffer.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(SSHError) -> SSHProgress<Int> {
    try hasWritten(Self.write(bytes, to: try open()))
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to channel: OpaquePointer) -> Int {
    libssh2_channel_write_ex(channel, 0, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }

  private func hasWritten(_ count: Int) throws(SSHError) -> SSHProgress<Int> {
    if count > 0 { return .ready(count) }
    if count == 0 || count == Int(LIBSSH2_ERROR_EAGAIN) { return try session.blocked() }
    throw session.error(CInt(count))
  }

  /// Says that nothing more will be written; reading goes on.
  public func sendEnd() throws(SSHError) -> SSHProgress<Void> {
    try finished(libssh2_channel_send_eof(try open()))
  }

  /// Whether the peer has closed the channel altogether, so that nobody is there to read what we write.
  public var isClosedByPeer: Bool {
    guard let handle, libssh2_channel_eof(handle) == 1 else { return false }
    return libssh2_channel_wait_closed(handle) == 0
  }

  /// Closes and frees the channel, once the peer has closed it too. Repeat until it is ready.
  public func close() throws(SSHError) -> SSHProgress<Void> {
    guard handle != nil else { return .ready(()) }
    let channel = try open()
    let status = libssh2_channel_free(channel)
    if status == LIBSSH2_ERROR_EAGAIN { return try session.blocked() }
    handle = nil
    guard status == 0 else { throw session.error(status) }
    return .ready(())
  }

  private func open() throws(SSHError) -> OpaquePointer {
    _ = try session.open()
    guard let handle else { throw .failure(LIBSSH2_ERROR_CHANNEL_CLOSED, "the channel is closed") }
    return handle
  }

  private func finished(_ status: CInt) throws(SSHError) -> SSHProgress<Void> {
    if status == LIBSSH2_ERROR_EAGAIN { return try session.blocked() }
    guard status == 0 else { throw session.error(status) }
    return .ready(())
  }
}

/// A port on the server whose connections come to us as channels.
public final class SSHListener {
  private let session: SSHSession
  private let handle: OpaquePointer

  init(session: SSHSession, handle: OpaquePointer) {
    self.session = session
    self.handle = handle
  }

  /// The next connection. It also takes in everything that the socket holds, for all channels of the session.
  public func accept() throws(SSHError) -> SSHProgress<SSHChannel> {
    _ = try session.open()
    guard let channel = libssh2_channel_forward_accept(handle) else { return try session.blockedOrRefused() }
    return .ready(SSHChannel(session: session, handle: channel))
  }
}
