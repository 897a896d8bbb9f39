internal import CLibSSH2
internal import Glibc

/// One SSH connection over a connected, non-blocking socket that the caller owns and polls.
///
/// No call ever blocks. At most one of `openSession`, `openDirect` and `listen` may be under way at a time.
public final class SSHSession {
  /// Which host keys to accept.
  public enum HostKeys {
    /// Only these blobs. Everything else ends the handshake, before anything is said of us.
    case pinned([[UInt8]])
    /// Any key of this algorithm, to learn it. Such a session cannot authenticate.
    case learn(algorithm: String)
  }

  /// What libssh2 gives every channel: 2 MiB of window, packets of 32 KiB.
  private static let channelWindow: UInt32 = 2 * 1024 * 1024
  private static let channelPacket: UInt32 = 32768

  /// libssh2 sends a keepalive when the last one is so many seconds of the wall clock ago. It keeps the number as a
  /// signed one, and this is the least of those: due at once, wherever the clock was set since.
  private static let alwaysDue = UInt32(bitPattern: Int32.min)

  let transport: SSHTransport
  private(set) var handle: OpaquePointer?
  private let hostKeys: HostKeys
  private var isTrusted = false

  /// Throws `failure` when memory is short, and `algorithms` when libssh2 knows none of the host keys' algorithms.
  public init(descriptor: CInt, hostKeys: HostKeys) throws(SSHError) {
    transport = SSHTransport(descriptor: descriptor)
    self.hostKeys = hostKeys
    guard SSHLibrary.isReady,
      let session = libssh2_session_init_ex(nil, nil, nil, Unmanaged.passUnretained(transport).toOpaque())
    else { throw .failure(LIBSSH2_ERROR_ALLOC, "libssh2 cannot be initialised") }
    handle = session
    libssh2_session_set_blocking(session, 0)
    let receive: ReceiveCallback = { _, buffer, count, _, context in
      guard let buffer, let transport = callbackTransport(context) else { return -Int(EBADF) }
      return transport.receive(into: buffer, count: count)
    }
    let send: SendCallback = { _, buffer, count, _, context in
      guard let transport = callbackTransport(context) else { return -Int(EBADF) }
      return transport.send(UnsafeRawBufferPointer(start: buffer, count: count))
    }
    libssh2_session_callback_set(
      session, LIBSSH2_CALLBACK_RECV, unsafeBitCast(receive, to: UnsafeMutableRawPointer.self))
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, unsafeBitCast(send, to: UnsafeMutableRawPointer.self))
    let algorithms: [String] =
      switch hostKeys {
      case .pinned(let blobs): blobs.compactMap { SSHKeyBlob.algorithm(of: $0) }
      case .learn(let algorithm): [algorithm]
      }
    guard libssh2_session_method_pref(session, LIBSSH2_METHOD_HOSTKEY, algorithms.joined(separator: ",")) == 0 else {
      throw .algorithms("libssh2 knows no host key of the kind \(algorithms.joined(separator: ", "))")
    }
  }

  deinit { close() }

  /// Agrees on keys and compares the server's host key with the pin. Returns the key's blob.
  public func handshake() throws(SSHError) -> SSHProgress<[UInt8]> {
    let session = try open()
    let status = libssh2_session_handshake(session, transport.descriptor)
    if status == LIBSSH2_ERROR_EAGAIN, transport.failure == nil { return .wouldBlock }
    guard status == 0 else { throw handshakeError(status) }
    var length = 0
    var type: CInt = 0
    guard let key = libssh2_session_hostkey(session, &length, &type) else { throw error(LIBSSH2_ERROR_HOSTKEY_INIT) }
    let blob = Array(UnsafeRawBufferPointer(start: key, count: length))
    if case .pinned(let pins) = hostKeys {
      guard pins.contains(blob) else { throw .hostKeyMismatch(blob) }
      isTrusted = true
    }
    return .ready(blob)
  }

  /// Proves who we are with a private key, given as the text of its file (openssh-key-v1 or PEM, without passphrase).
  public func authenticate(account: String, privateKey: [UInt8]) throws(SSHError) -> SSHProgress<Void> {
    let session = try open()
    guard isTrusted else { throw .failure(LIBSSH2_ERROR_BAD_USE, "the server's host key was not compared with a pin") }
    let status = privateKey.withUnsafeBytes { key in
      libssh2_userauth_publickey_frommemory(
        session, account, account.utf8.count, nil, 0, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
        nil)
    }
    if status == LIBSSH2_ERROR_EAGAIN { return try blocked() }
    switch status {
    case 0: return .ready(())
    case LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED, LIBSSH2_ERROR_KEYFILE_AUTH_FAILED:
      if let failure = transport.failure { throw .disconnected(failure) }
      throw .authentication(lastErrorText)
    default: throw error(status)
    }
  }

  /// Opens a channel on which a command can be run.
  public func openSession() throws(SSHError) -> SSHProgress<SSHChannel> {
    let session = try open()
    return try channel(
      libssh2_channel_open_ex(
        session, "session", 7, Self.channelWindow, Self.channelPacket, nil, 0))
  }

  /// Opens a channel to a TCP port as the server reaches it (direct-tcpip).
  public func openDirect(address: String, port: UInt16) throws(SSHError) -> SSHProgress<SSHChannel> {
    let session = try open()
    return try channel(libssh2_channel_direct_tcpip_ex(session, address, CInt(port), "127.0.0.1", 0))
  }

  /// Asks the server to listen on a TCP port (tcpip-forward). The address is compared by the server as text.
  public func listen(address: String, port: UInt16) throws(SSHError) -> SSHProgress<SSHListener> {
    let session = try open()
    // Without a limit: libssh2's default of 16 waiting connections would refuse bursts.
    guard let listener = libssh2_channel_forward_listen_ex(session, address, CInt(port), nil, 0) else {
      return try blockedOrRefused()
    }
    return .ready(SSHListener(session: self, handle: listener))
  }

  /// Sends a keepalive that wants no reply: libssh2 keeps each reply for ever, and later requests read them as theirs.
  /// Returns whether something was sent; libssh2 sends none while keys are exchanged.
  public func sendKeepalive() throws(SSHError) -> Bool {
    let session = try open()
    let before = transport.pendingOutput
    var next: CInt = 0
    libssh2_keepalive_config(session, 0, Self.alwaysDue)
    let status = libssh2_keepalive_send(session, &next)
    guard status == 0 || status == LIBSSH2_ERROR_EAGAIN else { throw error(status) }
    return transport.pendingOutput > before
  }

  /// How many bytes may be received until the next call; what is more stays in the kernel.
  public func allowReceiving(_ bytes: Int) { transport.allowReceiving(bytes) }

  /// Bytes that wait for the socket to take them.
  public var pendingOutput: Int { transport.pendingOutput }

  /// Bytes that the socket brought and took, encrypted.
  public var bytesReceived: Int64 { transport.bytesReceived }
  public var bytesSent: Int64 { transport.bytesSent }

  /// Writes what the socket takes now, and acknowledges what came. Call it after each turn and when the socket becomes
  /// writable.
  public func flush() throws(SSHError) {
    transport.flush()
    if let failure = transport.failure { throw .disconnected(failure) }
  }

  /// Memory that is kept for bytes that wait, in bytes.
  public var heldOutput: Int { transport.heldOutput }

  /// Gives that memory back; whether it could, because no byte waits.
  public func releaseOutput() -> Bool { transport.releaseOutput() }

  /// Says goodbye as far as that goes at once, and frees everything. All channels end.
  public func close() {
    guard let session = handle else { return }
    if transport.failure == nil {
      libssh2_session_disconnect_ex(session, SSH_DISCONNECT_BY_APPLICATION, "done", "")
      transport.flush()
    }
    transport.shutDown()
    for _ in 0..<1000 where libssh2_session_free(session) != LIBSSH2_ERROR_EAGAIN { break }
    handle = nil
  }

  /// libssh2's session, as long as the connection stands.
  func open() throws(SSHError) -> OpaquePointer {
    if let failure = transport.failure { throw .disconnected(failure) }
    guard let handle else { throw .disconnected("closed") }
    return handle
  }

  /// The error behind a status that libssh2 returned, or the broken connection that is behind that.
  func error(_ status: CInt) -> SSHError {
    if let failure = transport.failure { return .disconnected(failure) }
    switch status {
    case LIBSSH2_ERROR_SOCKET_DISCONNECT, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_SEND:
      return .disconnected(lastErrorText)
    case LIBSSH2_ERROR_CHANNEL_FAILURE, LIBSSH2_ERROR_REQUEST_DENIED, LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
      return .refused(lastErrorText)
    default: return .failure(status, lastErrorText)
    }
  }

  /// `wouldBlock`, unless the connection broke meanwhile.
  func blocked<Value>() throws(SSHError) -> SSHProgress<Value> {
    if let failure = transport.failure { throw .disconnected(failure) }
    return .wouldBlock
  }

  func blockedOrRefused<Value>() throws(SSHError) -> SSHProgress<Value> {
    let status = handle.map { libssh2_session_last_errno($0) } ?? LIBSSH2_ERROR_SOCKET_NONE
    if status == LIBSSH2_ERROR_EAGAIN { return try blocked() }
    throw error(status)
  }

  private func channel(_ channel: OpaquePointer?) throws(SSHError) -> SSHProgress<SSHChannel> {
    guard let channel else { return try blockedOrRefused() }
    return .ready(SSHChannel(session: self, handle: channel))
  }

  private var lastErrorText: String {
    var text: UnsafeMutablePointer<CChar>?
    guard let handle, libssh2_session_last_error(handle, &text, nil, 0) != 0, let text else { return "unknown error" }
    return String(cString: text)
  }

  /// What really stood against a handshake, as far as the server's first bytes tell.
  private func handshakeError(_ status: CInt) -> SSHError {
    if let line = transport.preface.foreignLine { return .notSSH(line) }
    for kind in AlgorithmKind.all where transport.preface.algorithms.count > kind.index {
      let offered = transport.preface.algorithms[kind.index]
      if let sentence = AlgorithmKind.disagreement(kind: kind.name, offered: offered, supported: supported(kind)) {
        return .algorithms(sentence)
      }
    }
    return error(status)
  }

  private func supported(_ kind: AlgorithmKind) -> [String] {
    if kind.method == LIBSSH2_METHOD_HOSTKEY {
      switch hostKeys {
      case .pinned(let blobs): return blobs.compactMap { SSHKeyBlob.algorithm(of: $0) }
      case .learn(let algorithm): return [algorithm]
      }
    }
    var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    guard let handle else { return [] }
    let count = libssh2_session_supported_algs(handle, kind.method, &names)
    guard count > 0, let names else { return [] }
    defer { libssh2_free(handle, names) }
    return (0..<Int(count)).compactMap { names[$0].map { String(cString: $0) } }
  }
}

private typealias ReceiveCallback =
  @convention(c) (
    CInt, UnsafeMutableRawPointer?, Int, CInt, UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) -> Int
private typealias SendCallback =
  @convention(c) (
    CInt, UnsafeRawPointer?, Int, CInt, UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) -> Int

private func callbackTransport(_ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> SSHTransport? {
  context?.pointee.map { Unmanaged<SSHTransport>.fromOpaque($0).takeUnretainedValue() }
}
