import FleetProtocol
import Glibc

/// The request `provision-many`: each line is done or refused by itself, in one transaction.
struct ManyProvisioning {
  let home: Home
  let actor: AuditActor

  func answer(_ registry: Registry) throws(Refusal) {
    let rows = try Self.read()
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    let foreign = try keyFile.foreignRefusals(of: rows.compactMap { try? $0.get().body.key })
    let wanted = rows.map { row in
      row.flatMap { row in foreign[row.body.key].map { .failure($0) } ?? .success(row) }
    }
    let results = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.provisionMany(
        wanted, range: settings.ports, portsInUse: SocketTable.current().boundPorts, by: actor, now_s: Int64(time(nil))
      ) { DeviceID(random: .random(in: .min ... .max)) }
    }
    var text = Reply.ok(["count": .integer(Int64(results.count)), "host": .object(host.object)]).line + "\n"
    for result in results {
      switch result {
      case .success(let lease):
        if !lease.created { try SessionFile.forgetClaimants(lease.device, home: home) }
        text +=
          Reply.ok([
            "device": .string(lease.device.rawValue), "port": .integer(Int64(lease.port.rawValue)),
            "created": .bool(lease.created),
          ]).line + "\n"
      case .failure(let refusal): text += Reply.refused(refusal).line + "\n"
      }
    }
    try ReplyOutput.write(text)
  }

  /// All lines, before anything is done: of a body that ends too early nothing is.
  private static func read() throws(Refusal) -> [Result<NamedProvisionBody, Refusal>] {
    var lines = InputLines()
    let count = try RequestBody.read(from: &lines) { (line) throws(JSONError) in
      Int(try JSONObject(parsingBody: line).integer("count", in: 0...Int64(Limits.provisionMany)))
    }
    var rows: [Result<NamedProvisionBody, Refusal>] = []
    for _ in 0..<count {
      let line = try RequestBody.read(from: &lines) { $0 }
      do throws(JSONError) {
        rows.append(.success(try NamedProvisionBody(parsing: line)))
      } catch {
        rows.append(.failure(RequestBody.notUnderstood(error)))
      }
    }
    return rows
  }
}
