import FleetProtocol

/// The JSON that follows some requests on standard input.
enum RequestBody {
  /// How long to wait for each line.
  static let wait: Duration = .seconds(10)

  /// Reads one line. Throws `request-malformed`.
  static func read<Body>(_ parse: ([UInt8]) throws(JSONError) -> Body) throws(Refusal) -> Body {
    var lines = InputLines()
    return try read(from: &lines, parse)
  }

  /// Reads the next line. Throws `request-malformed`, also where there is none.
  static func read<Body>(from lines: inout InputLines, _ parse: ([UInt8]) throws(JSONError) -> Body) throws(Refusal)
    -> Body
  {
    guard let body = try next(of: &lines, wait: wait, parse) else { throw notUnderstood(JSONError("it is missing")) }
    return body
  }

  /// Reads the next line if there is one, however long it takes where `wait` is `nil`. Throws `request-malformed`.
  static func next<Body>(
    of lines: inout InputLines, wait: Duration?, _ parse: ([UInt8]) throws(JSONError) -> Body
  ) throws(Refusal) -> Body? {
    do throws(JSONError) { return try lines.next(wait: wait).map(parse) } catch { throw notUnderstood(error) }
  }

  static func notUnderstood(_ error: JSONError) -> Refusal {
    Refusal(
      .requestMalformed,
      "the request's body is not understood: \(DisplayText.escaped(error.description, limit: 200))",
      hint: "see PROTOCOL.md, or use programs of the same version")
  }
}
