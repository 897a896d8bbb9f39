import FleetProtocol

/// `attach`: a tunnel whose client asked for the forward before it ran a command, as OpenSSH's and Dropbear's do.
extension DeviceRequests {
  /// Records the tunnel, and takes its reports until it ends. It ends with its sshd: at the end of standard input, or by
  /// the SIGHUP that nobody here catches.
  func attach() throws(Refusal) {
    var lines = InputLines(rest: .nothing)
    let body = try RequestBody.read(from: &lines) { (line) throws(JSONError) in try ClaimBody(parsing: line) }
    try ReplyOutput.write(.ok(try claim(body, port: .listening).fields))
    while let body = try RequestBody.next(
      of: &lines, wait: nil, { (line) throws(JSONError) in try ReportBody(parsing: line) })
    {
      try report(body)
    }
  }
}
