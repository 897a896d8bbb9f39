import FleetProtocol

/// The JSON that follows some requests on standard input.
enum RequestBody {
  /// How long to wait for each line.
  static let wait: Duration = .seconds(10)

  /// Reads one line. Throws `request-malformed`.
  static func read<Body>(_ parse: ([UInt8]) throws(JSONError) -> Body) throws(Refusal) -> Body {
    var lines = BodyLines()
    return try read(from: &lines, parse)
  }

  /// Reads the next line. Throws `request-malformed`.
  static func read<Body>(from lines: inout BodyLines, _ parse: ([UInt8]) throws(JSONError) -> Body) throws(Refusal)
    -> Body
  {
    do throws(JSONError) {
      guard let line = try lines.next(wait: wait) else { throw JSONError("it is missing") }
      return try parse(line)
    } catch {
      throw notUnderstood(error)
    }
  }

  static func notUnderstood(_ error: JSONError) -> Refusal {
    Refusal(
      .requestMalformed,
      "the request's body is not understood: \(DisplayText.escaped(error.description, limit: 200))",
      hint: "see PROTOCOL.md, or use programs of the same version")
  }
}
