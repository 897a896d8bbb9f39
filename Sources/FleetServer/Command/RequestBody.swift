import FleetProtocol
import Glibc

/// The one line of JSON that follows some requests on standard input.
enum RequestBody {
  /// Waits at most 10 s for the line. Throws `request-malformed`.
  static func read<Body>(_ parse: ([UInt8]) throws(JSONError) -> Body) throws(Refusal) -> Body {
    do { return try parse(try line(descriptor: 0, wait: .seconds(10))) } catch {
      throw Refusal(
        .requestMalformed,
        "the request's body is not understood: \(DisplayText.escaped(error.description, limit: 200))",
        hint: "see PROTOCOL.md, or use programs of the same version")
    }
  }

  /// One line without its newline; what stands before the end of the input counts as one.
  static func line(descriptor: Int32, wait: Duration) throws(JSONError) -> [UInt8] {
    let deadline = ContinuousClock.now + wait
    var line: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { throw JSONError("it did not come in time") }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(
        &event, 1, Int32(left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000) + 1)
      if ready == 0 || ready < 0 && errno == EINTR { continue }
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count > 0 else {
        guard !line.isEmpty else { throw JSONError("it is missing") }
        return line
      }
      if let newline = chunk[..<count].firstIndex(of: 0x0A) {
        line += chunk[..<newline]
        guard line.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
        return line
      }
      line += chunk[..<count]
      guard line.count < Limits.line else { throw JSONError("longer than \(Limits.line) bytes") }
    }
  }
}
