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
  mutating func next() throws(JSONError) -> [UInt8]? {
    var chunk = [UInt8](repeating: 0, count: 1024)
    while true {
      if let newline = buffered.firstIndex(of: 0x0A) {
        let line = Array(buffered[..<newline])
        buffered.removeSubrange(...newline)
        return line
      }
      guard buffered.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      buffered += chunk[..<count]
    }
  }
}
