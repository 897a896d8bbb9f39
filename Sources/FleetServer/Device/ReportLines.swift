import FleetProtocol
import Glibc

/// What comes over a tunnel's own connection, a line each, for as long as that lasts.
struct ReportLines {
  private let descriptor: Int32
  /// What was read and belongs to no line yet.
  private var buffered: [UInt8] = []

  init(descriptor: Int32) { self.descriptor = descriptor }

  /// Waits for the next line; `nil` at the end of the input, also in the middle of a line. Throws for a line that is
  /// longer than any of the protocol.
  ///
  /// With `wait`, it also throws when the line has not come by then.
  mutating func next(wait: Duration? = nil) throws(JSONError) -> [UInt8]? {
    var chunk = [UInt8](repeating: 0, count: 1024)
    let deadline = wait.map { ContinuousClock.now + $0 }
    while true {
      if let newline = buffered.firstIndex(of: 0x0A) {
        let line = Array(buffered[..<newline])
        buffered.removeSubrange(...newline)
        return line
      }
      guard buffered.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
      if let deadline, !isReadable(until: deadline) { throw JSONError("it did not come in time") }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      buffered += chunk[..<count]
    }
  }

  private func isReadable(until deadline: ContinuousClock.Instant) -> Bool {
    while true {
      let left = (deadline - ContinuousClock.now).components
      let left_ms = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      guard left_ms > 0 else { return false }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&event, 1, Int32(left_ms)) > 0 { return true }
    }
  }
}
