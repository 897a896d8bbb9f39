import FleetProtocol
import Glibc

/// What an enroll key may ask: the forced command `enroll-key ID`.
struct EnrollKeyRequests {
  let home: Home
  let enrollKey: EnrollKeyID

  func answer(_ command: String) throws(Refusal) -> Reply {
    switch try EnrollKeyRequest(parsing: command) {
    case .join:
      .ok(try join(try RequestBody.read { (line) throws(JSONError) in try Self.plain(JoinBody(parsing: line)) }).fields)
    }
  }

  private func join(_ body: JoinBody) throws(Refusal) -> JoinReply {
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    try keyFile.refuseForeign(body.key)
    let registry = try Registry.open(home)
    let connection = getenv("SSH_CONNECTION").flatMap { SSHConnection(parsing: String(cString: $0)) }
    let now_s = Int64(time(nil))
    let outcome = try keyFile.change(registry, where: \.concernsKeyFile) { (registry) throws(Refusal) in
      try registry.join(
        body, with: enrollKey, device: DeviceID(random: .random(in: .min ... .max)), range: settings.ports,
        portsInUse: { SocketTable.current().boundPorts }, from: connection.map { "\($0.remote)" }, now_s: now_s)
    }
    switch outcome {
    case .waiting(let name, let since_s):
      return .pending(name: name, retry_s: JoinInterval.seconds(waited_s: now_s - since_s))
    case .approved(let device, let name, let port):
      return .approved(device: device, name: name, port: port, host: host)
    case .rejected:
      throw Refusal(
        .enrollmentRejected, "an operator rejected this box",
        hint: "ask who looks after HostA; a new enroll key is needed to try again")
    }
  }

  /// What a list can show: facts with plain names, and a line that its reader takes.
  private static func plain(_ body: JoinBody) throws(JSONError) -> JoinBody {
    var body = body
    body.facts = ClaimBody.plainFacts(body.facts)
    // Escaped control characters may be longer than what came, and `pending` says a little more than the box did.
    guard body.line.utf8.count < Limits.line - 1024 else { throw JSONError("its facts and keys are too long") }
    return body
  }
}
