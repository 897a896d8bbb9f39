import FleetSSH
import Glibc

/// Carries one connection that came through the tunnel to the device's own sshd and back.
///
/// Each direction ends on its own, and neither reads more while the other side does not take what was read.
final class ChannelPump {
  /// How many bytes one channel may move in one direction in one turn, so that it cannot starve the others.
  static let fairShare = 64 * 1024
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
  func turn(_ set: PollSet, session: SSHSession, buffer: TransferBuffer, outputLimit: Int) throws(SSHError) -> Turn {
    try checkConnected()
    var moreWork = false
    if isConnected {
      moreWork = try moveToLocal(buffer.bytes)
      let isReadable = set.isReady(slot, POLLIN)
      let mayRead = isReadable && session.pendingOutput < outputLimit
      if try moveToSSH(buffer.bytes, mayRead: mayRead) { moreWork = true }
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
  private func moveToLocal(_ buffer: UnsafeMutableRawBufferPointer) throws(SSHError) -> Bool {
    let waiting = toLocal
    toLocal = []
    waiting.withUnsafeBytes { pass($0) }
    var moved = 0
    while let socket, toLocal.isEmpty, !isShutDown {
      guard moved < Self.fairShare else { return true }
      if !peerEnded {
        guard case .ready(let count) = try channel.read(into: buffer) else { return false }
        pass(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        moved += count
        peerEnded = count == 0
      }
      if peerEnded {
        shutdown(socket.descriptor, CInt(SHUT_WR))
        isShutDown = true
      }
    }
    return false
  }

  /// Writes to the local socket what it takes, and keeps the rest.
  private func pass(_ bytes: UnsafeRawBufferPointer) {
    guard let socket, !bytes.isEmpty else { return }
    let written = send(socket.descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
    if written < 0, errno != EAGAIN, errno != EINTR { return dropLocal() }
    if written < bytes.count { toLocal = Array(bytes[max(0, written)...]) }
  }

  /// From the device's sshd to HostA. Returns whether the share was used up.
  private func moveToSSH(_ buffer: UnsafeMutableRawBufferPointer, mayRead: Bool) throws(SSHError) -> Bool {
    var moved = 0
    var mayRead = mayRead
    while let socket, !endIsSent {
      while !toSSH.isEmpty {
        guard case .ready(let count) = try channel.write(bytes: toSSH) else { return false }
        toSSH.removeFirst(count)
      }
      if localEnded {
        guard case .ready = try channel.sendEnd() else { return false }
        endIsSent = true
        break
      }
      guard mayRead else { return false }
      guard moved < Self.fairShare else { return true }
      let count = recv(socket.descriptor, buffer.baseAddress, buffer.count, 0)
      // A socket that gave less than it was asked for is empty.
      mayRead = count == buffer.count
      if count == 0 { localEnded = true }
      if count < 0, errno != EAGAIN, errno != EINTR { dropLocal() }
      var rest = UnsafeRawBufferPointer(rebasing: buffer[..<max(0, count)])
      while !rest.isEmpty, case .ready(let written) = try channel.write(rest) {
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
      moved += max(0, count) - rest.count
      toSSH = Array(rest)
    }
    return false
  }

  private func dropLocal() {
    socket = nil
    toLocal = []
  }
}
