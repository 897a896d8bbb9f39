internal import Glibc

/// Learns the host keys of the sshd on this machine's own loopback, where nobody can stand between.
public enum HostKeyScan {
  /// The kinds of key asked for, the best first. Each takes one handshake, because a server shows one key only.
  static let algorithms = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
  ]

  /// The blobs of all keys that the server shows, none twice. Blocks for at most `limit_ms` in all.
  ///
  /// Throws the error of the first attempt when no key could be learned at all.
  public static func keys(port: UInt16, limit_ms: Int = 5000) throws(SSHError) -> [[UInt8]] {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: .milliseconds(limit_ms))
    var keys: [[UInt8]] = []
    var failure: SSHError?
    for algorithm in algorithms {
      do throws(SSHError) {
        let key = try Self.key(algorithm: algorithm, port: port, until: deadline)
        if !keys.contains(key) { keys.append(key) }
      } catch {
        failure = failure ?? error
        // No common algorithm means only that the server has no key of this kind.
        guard case .algorithms = error else { break }
      }
    }
    if keys.isEmpty, let failure { throw failure }
    return keys
  }

  private static func key(algorithm: String, port: UInt16, until deadline: ContinuousClock.Instant)
    throws(SSHError) -> [UInt8]
  {
    let socket = TCPSocket(connectingTo: .loopback(port: port))
    while true {
      switch socket.checkConnected() {
      case .connected: break
      case .pending:
        try wait(for: Int16(POLLOUT), on: socket, until: deadline)
        continue
      case .failed(_, let text): throw .disconnected(text)
      }
      break
    }
    let session = try SSHSession(descriptor: socket.descriptor, hostKeys: .learn(algorithm: algorithm))
    defer { session.close() }
    while true {
      if case .ready(let key) = try session.handshake() { return key }
      try session.flush()
      try wait(for: Int16(session.pendingOutput > 0 ? POLLIN | POLLOUT : POLLIN), on: socket, until: deadline)
    }
  }

  private static func wait(for events: Int16, on socket: TCPSocket, until deadline: ContinuousClock.Instant)
    throws(SSHError)
  {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { throw .disconnected("no answer within the time limit") }
    let left_ms = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
    var entry = pollfd(fd: socket.descriptor, events: events, revents: 0)
    poll(&entry, 1, CInt(min(left_ms + 1, 60_000)))
  }
}
