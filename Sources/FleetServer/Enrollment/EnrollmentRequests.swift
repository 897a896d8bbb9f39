import FleetProtocol
import Glibc

/// What operators ask about enroll keys and about the boxes that wait.
struct EnrollmentRequests {
  let home: Home
  let actor: AuditActor

  func answer(_ request: OperatorRequest, _ registry: Registry) throws(Refusal) {
    switch request {
    case .createEnrollKey: try ReplyOutput.write(.ok(try create(registry)))
    case .enrollKeys: try list(try registry.enrollKeys().map(\.status.object))
    case .removeEnrollKey(let id):
      try keyFile(try HostSettings.read(home)).change(registry) { (registry) throws(Refusal) in
        try registry.removeEnrollKey(id, by: actor, now_s: Int64(time(nil)))
      }
      try ReplyOutput.write(.ok([:]))
    case .pending: try list(try registry.waitingBoxes().map(\.object))
    case .approve(let name): try ReplyOutput.write(.ok(try approve(name, registry)))
    case .reject(let name):
      try registry.reject(name, by: actor, now_s: Int64(time(nil)))
      try ReplyOutput.write(.ok([:]))
    default: preconditionFailure("\(request.command) is not about enrollment")
    }
  }

  private func create(_ registry: Registry) throws(Refusal) -> JSONObject {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try EnrollKeyBody(parsing: line)
      try TagRule.check(body.tags)
      return body
    }
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try keyFile(settings)
    try keyFile.refuseForeign(body.key)
    let id = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.createEnrollKey(
        body, id: EnrollKeyID(random: .random(in: .min ... .max)), by: actor, now_s: Int64(time(nil)))
    }
    return ["id": .string(id.rawValue), "host": .object(host.object)]
  }

  private func approve(_ name: DeviceName, _ registry: Registry) throws(Refusal) -> JSONObject {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try ApproveBody(parsing: line)
      try TagRule.check(body.tags)
      return body
    }
    let settings = try HostSettings.read(home)
    let keyFile = try keyFile(settings)
    let (newName, lease) = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.approve(
        name, body: body, device: DeviceID(random: .random(in: .min ... .max)), range: settings.ports,
        portsInUse: SocketTable.current().boundPorts, by: actor, now_s: Int64(time(nil)), refuse: keyFile.refuseForeign)
    }
    return [
      "name": .string(newName.rawValue), "device": .string(lease.device.rawValue),
      "port": .integer(Int64(lease.port.rawValue)),
    ]
  }

  private func keyFile(_ settings: HostSettings) throws(Refusal) -> KeyFile {
    try KeyFile(home: home, settings: settings, account: try Account.current())
  }

  private func list(_ objects: [JSONObject]) throws(Refusal) {
    try ReplyOutput.write(["count": .integer(Int64(objects.count))], lines: objects)
  }
}
