import FleetSSH
import Glibc

/// Carries one connection that came through the tunnel to the device's own sshd and back.
///
/// Each direction ends on its own, and neither reads more while the other side does not take what was read.
final class ChannelPump {
  /// How many bytes one channel may move in one direction in one turn, so that it cannot starve the others.
  static let fairShare = 128 * 1024
  /// What is read at once: what libssh2 puts into one packet.
  static let chunk = 32_700

  private let channel: SSHChannel
  /// `nil` once the local side is gone.
  private var socket: TCPSocket?
  private var isConnected = false
  private var toSSH: [UInt8] = []
  private var toLocal: [UInt8] = []
  private var localEnded = false
  private var peerEnded = false
  private var endIsSent = false
  private var isShutDown = false
  private var slot: Int?
  /// Whether the device's sshd refused the connection.
  private(set) var wasRefused = false

  /// Without a port the channel is only closed again.
  init(channel: SSHChannel, sshdPort: UInt16?) {
    self.channel = channel
    socket = sshdPort.map { TCPSocket(connectingTo: .loopback(port: $0)) }
  }

  func register(in set: inout PollSet, mayRead: Bool) {
    slot = nil
    guard let socket else { return }
    var events: CInt = 0
    if !isConnected || !toLocal.isEmpty { events |= POLLOUT }
    if isConnected, mayRead, toSSH.isEmpty, !localEnded { events |= POLLIN }
    // A hang-up is told without being asked for: an entry that waits for nothing would make poll return for ever.
    if events != 0 { slot = set.add(socket.descriptor, events) }
  }

  enum Turn {
    case waiting
    /// It stopped because its share was used up.
    case moreWork
    case finished
  }

  /// Moves what can be moved.
  func turn(_ set: PollSet, session: SSHSession, outputLimit: Int) throws(SSHError) -> Turn {
    try checkConnected()
    var moreWork = false
    if isConnected {
      moreWork = try moveToLocal()
      let isReadable = set.isReady(slot, POLLIN)
      if try moveToSSH(isReadable: isReadable, session: session, outputLimit: outputLimit) { moreWork = true }
    }
    if peerEnded, toLocal.isEmpty, localEnded || channel.isClosedByPeer, toSSH.isEmpty || channel.isClosedByPeer {
      socket = nil
    }
    guard socket == nil else { return moreWork ? .moreWork : .waiting }
    guard case .ready = try channel.close() else { return .waiting }
    return .finished
  }

  private func checkConnected() throws(SSHError) {
    guard !isConnected, let socket else { return }
    switch socket.checkConnected() {
    case .connected: isConnected = true
    case .pending: break
    case .failed:
      wasRefused = true
      self.socket = nil
    }
  }

  /// From HostA to the device's sshd. Returns whether the share was used up.
  private func moveToLocal() throws(SSHError) -> Bool {
    var moved = 0
    while let socket, !isShutDown {
      if toLocal.isEmpty, !peerEnded {
        guard case .ready(let bytes) = try channel.read(limit: Self.chunk) else { return false }
        toLocal = bytes
        peerEnded = bytes.isEmpty
      }
      if !toLocal.isEmpty {
        let written = send(socket.descriptor, toLocal, toLocal.count, CInt(MSG_NOSIGNAL))
        if written < 0 {
          if errno != EAGAIN && errno != EINTR { dropLocal() }
          return false
        }
        toLocal.removeFirst(written)
        moved += written
        if !toLocal.isEmpty { return false }
      }
      if peerEnded {
        shutdown(socket.descriptor, CInt(SHUT_WR))
        isShutDown = true
      }
      if moved >= Self.fairShare { return true }
    }
    return false
  }

  /// From the device's sshd to HostA. Returns whether the share was used up.
  private func moveToSSH(isReadable: Bool, session: SSHSession, outputLimit: Int) throws(SSHError) -> Bool {
    var moved = 0
    var mayRead = isReadable
    while let socket, !endIsSent {
      if toSSH.isEmpty, !localEnded {
        guard mayRead, session.pendingOutput < outputLimit else { return false }
        guard moved < Self.fairShare else { return true }
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunk) { buffer, count in
          let received = recv(socket.descriptor, buffer.baseAddress, buffer.count, 0)
          count = max(0, received)
          mayRead = received == buffer.count
          if received == 0 { localEnded = true }
          if received < 0, errno != EAGAIN, errno != EINTR { dropLocal() }
        }
        toSSH = bytes
        if bytes.isEmpty, !localEnded { return false }
      }
      while !toSSH.isEmpty {
        guard case .ready(let count) = try channel.write(bytes: toSSH) else { return false }
        moved += count
        if count == toSSH.count { toSSH = [] } else { toSSH.removeFirst(count) }
      }
      if localEnded {
        guard case .ready = try channel.sendEnd() else { return false }
        endIsSent = true
      }
    }
    return false
  }

  private func dropLocal() {
    socket = nil
    toLocal = []
  }
}
