internal import Glibc

/// Learns the host keys of the sshd on this machine's own loopback, where nobody can stand between.
///
/// `turn` never blocks. A server shows one key in each handshake, so that each kind of key takes a connection of its own.
public final class HostKeyScan {
  /// The kinds of key asked for, the best first.
  static let algorithms = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
  ]

  private let port: UInt16
  /// When the scan gives up.
  private let deadline: ContinuousClock.Instant
  private var untried = HostKeyScan.algorithms[...]
  private var socket: TCPSocket
  /// `nil` until the connection stands.
  private var session: SSHSession?
  private var keys: [[UInt8]] = []
  private var failure: SSHError?

  public init(port: UInt16, limit: Duration = .seconds(5)) {
    self.port = port
    deadline = .now + limit
    socket = TCPSocket(connectingTo: .loopback(port: port))
  }

  deinit { session?.close() }

  /// What to poll before the next turn.
  public var descriptor: CInt { socket.descriptor }
  public var waitsForOutput: Bool { session.map { $0.pendingOutput > 0 } ?? true }

  /// Goes on as far as it can. Returns the blobs of all keys that the server shows, none twice, once it has them.
  ///
  /// Throws the error of the first attempt when no key could be learned at all.
  public func turn() throws(SSHError) -> [[UInt8]]? {
    while let algorithm = untried.first {
      do throws(SSHError) {
        guard let key = try key(algorithm: algorithm) else { return nil }
        if !keys.contains(key) { keys.append(key) }
        untried.removeFirst()
      } catch {
        failure = failure ?? error
        // No common algorithm means only that the server has no key of this kind.
        if case .algorithms = error { untried.removeFirst() } else { untried = [] }
      }
      session?.close()
      session = nil
      if !untried.isEmpty { socket = TCPSocket(connectingTo: .loopback(port: port)) }
    }
    if keys.isEmpty, let failure { throw failure }
    return keys
  }

  /// The key of this kind, `nil` while the handshake is under way.
  private func key(algorithm: String) throws(SSHError) -> [UInt8]? {
    if session == nil {
      switch socket.checkConnected() {
      case .connected: session = try SSHSession(descriptor: socket.descriptor, hostKeys: .learn(algorithm: algorithm))
      case .pending: break
      case .failed(_, let text): throw .disconnected(text)
      }
    }
    if let session {
      if case .ready(let key) = try session.handshake() { return key }
      try session.flush()
    }
    guard .now < deadline else { throw .disconnected("no answer within the time limit") }
    return nil
  }

  /// The same in one call that blocks for at most `limit`.
  public static func keys(port: UInt16, limit: Duration = .seconds(5)) throws(SSHError) -> [[UInt8]] {
    let scan = HostKeyScan(port: port, limit: limit)
    while true {
      if let keys = try scan.turn() { return keys }
      let left = ContinuousClock.now.duration(to: scan.deadline).components
      var entry = pollfd(
        fd: scan.descriptor, events: Int16(scan.waitsForOutput ? POLLIN | POLLOUT : POLLIN), revents: 0)
      poll(&entry, 1, CInt(max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1)))
    }
  }
}
