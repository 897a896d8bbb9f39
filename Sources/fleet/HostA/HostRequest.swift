import FleetProtocol

/// Asks HostA one thing and waits for the whole answer.
struct HostRequest {
  let host: ConfiguredHost
  let paths: FleetPaths
  var reuse = ConnectionReuse.chosen

  /// A header's fields and the lines after it.
  struct Answer {
    let fields: JSONObject
    let lines: [ArraySlice<UInt8>]
  }

  /// Throws HostA's own refusal, or why there was no answer.
  func answer(to request: OperatorRequest, body: String? = nil) throws(Refusal) -> Answer {
    let outcome = try outcome(of: request, body: body)
    guard !outcome.isEndless else {
      throw Refusal(
        .ioFailed,
        "the answer of HostA (\(host.address)) does not end: \(Subprocess.longestOutput >> 20) MiB have come",
        hint: "see whether it is still the HostA that you know: 'fleet doctor'")
    }
    var lines = outcome.output.split(separator: UInt8(ascii: "\n"))
    guard !lines.isEmpty else {
      throw ConnectionFailure.refusal(
        host: host, paths: paths, exitStatus: outcome.status, errorText: outcome.errorText)
    }
    let fields = try Self.fields(of: lines.removeFirst(), host: host)
    return Answer(fields: fields, lines: lines)
  }

  /// What ssh brought: over the shared connection, or over one of its own where that one is not good for it.
  private func outcome(of request: OperatorRequest, body: String?) throws(Refusal) -> Subprocess.Outcome {
    func run(through socket: String?, patience_ms: Int32?) throws(Refusal) -> Subprocess.Outcome {
      try Subprocess.run(
        HostConnectionArguments.ssh(to: host, pins: paths.hostPins, request: request.command, through: socket),
        input: body.map { .bytes(Array("\($0)\n".utf8)) } ?? .none, patience_ms: patience_ms)
    }
    guard let master = HostMaster(host: host, paths: paths, reuse: reuse), let standing = try master.standing()
    else { return try run(through: nil, patience_ms: nil) }
    let mayRepeat = request.mayBeAskedAgain && !standing.isNew
    let shared = try run(through: standing.socket, patience_ms: mayRepeat ? ConnectionReuse.patience_ms : nil)
    guard mayRepeat, shared.output.isEmpty else { return shared }
    master.abandon(standing.socket)
    return try run(through: nil, patience_ms: nil)
  }

  /// The fields of a header line. Throws HostA's refusal, or `io-failed` for a line that is no header.
  static func fields(of header: some Collection<UInt8>, host: ConfiguredHost) throws(Refusal) -> JSONObject {
    let reply: Reply
    do { reply = try Reply(parsing: header) } catch {
      throw notUnderstood(error, host)
    }
    switch reply {
    case .ok(let fields): return fields
    case .refused(let refusal): throw refusal
    }
  }

  /// Parses fields with `parse`, whose errors become `io-failed`.
  func parse<Value>(_ parse: () throws(JSONError) -> Value) throws(Refusal) -> Value {
    do { return try parse() } catch { throw Self.notUnderstood(error, host) }
  }

  static func notUnderstood(_ error: JSONError, _ host: ConfiguredHost) -> Refusal {
    Refusal(
      .ioFailed, "the answer of HostA (\(host.address)) is not understood: \(DisplayText.escaped(error.description))",
      hint: "see whether fleet-server there has the same version (\(FleetVersion.current)), and prints nothing else")
  }
}

extension HostRequest {
  /// HostA's version and the name under which it knows us.
  func version() throws(Refusal) -> (version: String, operatorName: String) {
    let fields = try answer(to: .version).fields
    return try parse { () throws(JSONError) in
      (
        DisplayText.escaped(try fields.string("version", limit: Limits.text)),
        DisplayText.escaped(try fields.string("operator", limit: Limits.text))
      )
    }
  }

  func show(_ name: DeviceName) throws(Refusal) -> ShowReply {
    let fields = try answer(to: .show(name)).fields
    return try parse { () throws(JSONError) in try ShowReply(fields) }
  }

  func provision(_ name: DeviceName, _ body: ProvisionBody) throws(Refusal) -> ProvisionReply {
    let fields = try answer(to: .provision(name), body: body.line).fields
    endConnections(to: name)
    return try parse { () throws(JSONError) in try ProvisionReply(fields) }
  }

  /// Gives the device to the hardware that holds the key.
  func replace(_ name: DeviceName, _ body: ProvisionBody) throws(Refusal) -> ProvisionReply {
    let fields = try answer(to: .replace(name), body: body.line).fields
    endConnections(to: name)
    return try parse { () throws(JSONError) in try ProvisionReply(fields) }
  }

  /// Returns whether HostA had other keys before.
  func enroll(_ name: DeviceName, hostKeys: [PublicKey]) throws(Refusal) -> Bool {
    let fields = try answer(to: .enroll(name), body: EnrollBody(hostKeys: hostKeys).line).fields
    endConnections(to: name)
    return try parse { () throws(JSONError) in try fields.flag("changed") }
  }
}
