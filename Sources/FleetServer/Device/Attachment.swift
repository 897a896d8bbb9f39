import FleetProtocol
import Glibc

/// `attach`: a tunnel whose client asked for the forward before it ran a command, as OpenSSH's and Dropbear's do.
extension DeviceRequests {
  /// Records the tunnel, and takes its reports until it ends. It ends with its sshd: at the end of standard input, or by
  /// the SIGHUP that nobody here catches.
  func attach() throws(Refusal) {
    var lines = ReportLines(descriptor: 0)
    let claimed = try next(&lines, wait: RequestBody.wait) { (line) throws(JSONError) in try ClaimBody(parsing: line) }
    guard let body = claimed else {
      throw Self.malformed("it is missing")
    }
    try ReplyOutput.write(.ok(try claim(body, port: .listening).fields))
    while let body = try next(&lines, { (line) throws(JSONError) in try ReportBody(parsing: line) }) {
      try report(body)
    }
  }

  /// `nil` at the end of the input.
  private func next<Body>(
    _ lines: inout ReportLines, wait: Duration? = nil, _ parse: ([UInt8]) throws(JSONError) -> Body
  ) throws(Refusal) -> Body? {
    do { return try lines.next(wait: wait).map(parse) } catch { throw Self.malformed(error.description) }
  }

  private static func malformed(_ reason: String) -> Refusal {
    Refusal(
      .requestMalformed, "a line of the request's body is not understood: \(DisplayText.escaped(reason, limit: 200))",
      hint: "see PROTOCOL.md, or use programs of the same version")
  }
}
