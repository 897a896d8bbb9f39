import FleetProtocol
import Glibc

/// The lines that a request reads, one after the other. What was read beyond a line is kept for the next.
struct InputLines {
  /// What stands behind the last newline when the input ends.
  enum Rest {
    /// A line like the others.
    case line
    /// The beginning of a line whose end a broken connection has lost.
    case nothing
  }

  private let descriptor: Int32
  private let rest: Rest
  private var kept: [UInt8] = []

  init(descriptor: Int32 = 0, rest: Rest = .line) {
    self.descriptor = descriptor
    self.rest = rest
  }

  /// The next line without its newline, `nil` at the end. Throws for a line that is longer than any of the protocol, and
  /// for one that has not come within `wait`.
  mutating func next(wait: Duration?) throws(JSONError) -> [UInt8]? {
    let deadline = wait.map { ContinuousClock.now + $0 }
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
      guard try isReadable(until: deadline) else { continue }
      if chunk.isEmpty { chunk = [UInt8](repeating: 0, count: 16 * 1024) }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count > 0 else {
        defer { kept = [] }
        return kept.isEmpty || rest == .nothing ? nil : kept
      }
      kept += chunk[..<count]
    }
  }

  /// `false` where that is not known yet.
  private func isReadable(until deadline: ContinuousClock.Instant?) throws(JSONError) -> Bool {
    var limit_ms: Int32 = -1
    if let deadline {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { throw JSONError("it did not come in time") }
      limit_ms = Int32(left / .milliseconds(1)) + 1
    }
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&event, 1, limit_ms)
    return ready > 0 || ready < 0 && errno != EINTR
  }

  private func checked(_ line: [UInt8]) throws(JSONError) -> [UInt8] {
    guard line.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
    return line
  }
}
