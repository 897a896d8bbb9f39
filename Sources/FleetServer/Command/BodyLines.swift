import FleetProtocol
import Glibc

/// The lines of a request's body, one after the other. What was read beyond a line is kept for the next.
struct BodyLines {
  let descriptor: Int32
  private var kept: [UInt8] = []

  init(descriptor: Int32 = 0) { self.descriptor = descriptor }

  /// The next line without its newline; what stands before the end of the input counts as one. `nil` at the end.
  mutating func next(wait: Duration) throws(JSONError) -> [UInt8]? {
    let deadline = ContinuousClock.now + wait
    var searched = 0
    var chunk: [UInt8] = []
    while true {
      if let newline = kept[searched...].firstIndex(of: 0x0A) {
        let line = Array(kept[..<newline])
        kept.removeSubrange(...newline)
        return try checked(line)
      }
      searched = kept.count
      _ = try checked(kept)
      let left = deadline - ContinuousClock.now
      guard left > .zero else { throw JSONError("it did not come in time") }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(
        &event, 1, Int32(left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000) + 1)
      if ready == 0 || ready < 0 && errno == EINTR { continue }
      if chunk.isEmpty { chunk = [UInt8](repeating: 0, count: 16 * 1024) }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count > 0 else {
        defer { kept = [] }
        return kept.isEmpty ? nil : kept
      }
      kept += chunk[..<count]
    }
  }

  private func checked(_ line: [UInt8]) throws(JSONError) -> [UInt8] {
    guard line.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
    return line
  }
}
