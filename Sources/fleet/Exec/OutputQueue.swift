#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What waits to be written to one of our streams, so that a slow reader holds up nothing else.
///
/// The stream itself stays as it is: others may share it. It is written to in small pieces, each when there is room.
struct OutputQueue {
  /// With so many bytes waiting nothing more is read from the devices.
  static let full = 256 * 1024
  /// What a pipe that is ready takes without waiting: PIPE_BUF, the smallest of any system that this runs on.
  private static let piece = 512

  let descriptor: Int32
  /// Whether nobody reads it any more, or it cannot be written.
  private(set) var isBroken = false
  private var waiting: [UInt8] = []
  private var written = 0

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  var count: Int { waiting.count - written }
  var isEmpty: Bool { count == 0 }

  mutating func add(_ bytes: [UInt8]) {
    if !isBroken { waiting += bytes }
  }

  /// Writes what goes without waiting.
  mutating func flush() {
    while !isEmpty {
      var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&polled, 1, 0) > 0 else { break }
      let count = waiting.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, min(Self.piece, self.count)) }
      if count > 0 {
        written += count
      } else if errno != EINTR, errno != EAGAIN {
        isBroken = true
        (waiting, written) = ([], 0)
      }
    }
    if isEmpty || written > Self.full {
      waiting.removeFirst(written)
      written = 0
    }
  }
}
