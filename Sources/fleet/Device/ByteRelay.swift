#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Carries bytes between our standard streams and a socket until both directions have ended.
///
/// It reads from a side only while the other has taken everything before, and passes on each end by itself.
enum ByteRelay {
  /// One direction: what was read and not yet written, and whether its source or its target has ended.
  private struct Direction {
    let source: Int32
    let target: Int32
    let endTarget: () -> Void
    var waiting: ArraySlice<UInt8> = []
    var hasEnded = false
    var buffer = [UInt8](repeating: 0, count: 128 * 1024)

    var poll: pollfd {
      if hasEnded { return pollfd(fd: -1, events: 0, revents: 0) }
      return waiting.isEmpty
        ? pollfd(fd: source, events: Int16(POLLIN), revents: 0)
        : pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
    }

    mutating func step() {
      if waiting.isEmpty {
        let count = read(source, &buffer, buffer.count)
        if count > 0 { waiting = buffer[..<count] } else if count == 0 || !isTemporary { end() }
      } else {
        let count = waiting.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
        if count > 0 { waiting = waiting.dropFirst(count) } else if !isTemporary { end() }
      }
    }

    private var isTemporary: Bool { errno == EINTR || errno == EAGAIN }

    private mutating func end() {
      hasEnded = true
      waiting = []
      endTarget()
    }
  }

  static func run(_ socket: Descriptor) {
    socket.setNonBlocking()
    for stream in [STDIN_FILENO, STDOUT_FILENO] where isatty(stream) == 0 {
      _ = fcntl(stream, F_SETFL, fcntl(stream, F_GETFL) | O_NONBLOCK)
    }
    var directions = [
      Direction(source: STDIN_FILENO, target: socket.number, endTarget: { shutdown(socket.number, Int32(SHUT_WR)) }),
      Direction(source: socket.number, target: STDOUT_FILENO, endTarget: { close(STDOUT_FILENO) }),
    ]
    // The session is over when its far side has ended; what the near side might still say, nobody would hear.
    while !directions[1].hasEnded {
      var polled = directions.map(\.poll)
      guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
      for index in directions.indices where polled[index].revents != 0 { directions[index].step() }
    }
  }
}
