internal import Glibc

/// The bytes between libssh2 and the socket: what libssh2 sends is kept here until the loop flushes it.
///
/// libssh2 mishandles partial sends of a non-blocking socket, so its send callback always takes the whole packet.
final class SSHTransport {
  let descriptor: CInt
  /// How many more bytes libssh2 may receive before the next `allowReceiving`; `nil` is no limit.
  private var receiveAllowance: Int?
  /// Whether bytes came that nothing sent since has acknowledged.
  private var owesAcknowledgement = false
  private(set) var failure: String?
  private(set) var bytesReceived: Int64 = 0
  private(set) var bytesSent: Int64 = 0
  private var outgoing: [UInt8] = []
  private var outgoingStart = 0
  /// What the server said first, in clear text, up to the end of its list of algorithms.
  private(set) var preface = ServerPreface()

  init(descriptor: CInt) { self.descriptor = descriptor }

  var pendingOutput: Int { outgoing.count - outgoingStart }

  var heldOutput: Int { outgoing.capacity }

  func releaseOutput() -> Bool {
    guard pendingOutput == 0 else { return false }
    outgoing = []
    outgoingStart = 0
    return true
  }

  func allowReceiving(_ bytes: Int) { receiveAllowance = bytes }

  /// From here on nothing comes in any more; libssh2 then frees a session without waiting for the server.
  func shutDown() { failure = failure ?? "closed" }

  func receive(into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
    guard failure == nil else { return 0 }
    if let receiveAllowance, receiveAllowance <= 0 { return -Int(EAGAIN) }
    let received = recv(descriptor, buffer, count, CInt(MSG_DONTWAIT))
    if received > 0 {
      // A socket that gave less than it was asked for is empty: what comes later is the next turn's.
      if let allowance = receiveAllowance { receiveAllowance = received < count ? 0 : allowance - received }
      bytesReceived += Int64(received)
      owesAcknowledgement = true
      preface.append(UnsafeRawBufferPointer(start: buffer, count: received))
      // libssh2 would read on for as long as something comes.
      if preface.isEndless {
        failure = "the server goes on without beginning to speak SSH"
        return 0
      }
    } else if received == 0 {
      failure = "the server ended the connection"
    } else if errno == EINTR || errno == EAGAIN {
      return -Int(EAGAIN)
    } else {
      let code = errno
      failure = systemErrorText(code)
      return -Int(code)
    }
    return received
  }

  func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard failure == nil else { return -Int(EPIPE) }
    outgoing.append(contentsOf: bytes)
    return bytes.count
  }

  /// Writes what the socket takes now, and acknowledges what came.
  func flush() {
    while pendingOutput > 0, failure == nil {
      let written = outgoing.withUnsafeBytes { bytes in
        Glibc.send(
          descriptor, bytes.baseAddress! + outgoingStart, bytes.count - outgoingStart,
          CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
      }
      if written >= 0 {
        outgoingStart += written
        bytesSent += Int64(written)
        owesAcknowledgement = false
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        failure = systemErrorText(errno)
      }
    }
    if outgoingStart == outgoing.count {
      outgoing.removeAll(keepingCapacity: outgoing.capacity <= 1 << 20)
      outgoingStart = 0
    } else if outgoingStart > 1 << 18 {
      outgoing.removeSubrange(..<outgoingStart)
      outgoingStart = 0
    }
    if owesAcknowledgement {
      // One that waits for more data holds up the server's next small write by 40 ms. It is a packet of its own, so
      // that it comes after what was received is passed on, and not at all where a sent packet carries it.
      TCPSocket.set(descriptor, TCP_QUICKACK, 1)
      owesAcknowledgement = false
    }
  }
}

/// The text of an errno value, such as `connection refused`.
func systemErrorText(_ code: CInt) -> String {
  let text = String(cString: strerror(code))
  return text.prefix(1).lowercased() + text.dropFirst()
}
