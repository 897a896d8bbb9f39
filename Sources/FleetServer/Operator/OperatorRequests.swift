import FleetProtocol
import Glibc

/// What an operator's key may ask: the forced command `operator NAME`.
struct OperatorRequests {
  let home: Home
  let name: OperatorName

  private var actor: AuditActor {
    let connection = getenv("SSH_CONNECTION").flatMap { SSHConnection(parsing: String(cString: $0)) }
    return AuditActor(name: name.rawValue, remoteAddress: connection.map { "\($0.remote)" })
  }

  func answer(_ command: String) throws(Refusal) {
    let request = try OperatorRequest(parsing: command)
    let registry = try Registry.open(home)
    try registry.requireOperator(name)
    try expire(before: request, registry)
    let lifecycle = DeviceLifecycle(home: home, actor: actor, registry: registry)
    switch request {
    case .version:
      try ReplyOutput.write(
        .ok(["version": .string(FleetVersion.current), "operator": .string(name.rawValue)]))
    case .list: try list(registry)
    case .show(let device):
      let snapshot = HostSnapshot.take(home)
      let found = HostKeyAdoption.adopt(for: [try registry.device(named: device)], from: snapshot, into: registry)
      for device in found {
        let reply = ShowReply(device: snapshot.status(of: device), outages: try registry.outages(of: device.id))
        try ReplyOutput.write(.ok(reply.fields))
      }
    case .provision(let device): try ReplyOutput.write(.ok(try provision(device, registry).fields))
    case .enroll(let device):
      let body = try RequestBody.read { (line) throws(JSONError) in try EnrollBody(parsing: line) }
      let changed = try registry.enroll(device, hostKeys: body.hostKeys, by: actor, now_s: Int64(time(nil)))
      try ReplyOutput.write(.ok(["changed": .bool(changed)]))
    case .connect(let device):
      try DeviceConnection(home: home, actor: actor).run(to: device, registry: registry)
    case .rename(let device, let new): try ReplyOutput.write(try lifecycle.rename(device, to: new))
    case .tag(let device): try ReplyOutput.write(try lifecycle.tag(device))
    case .replace(let device): try ReplyOutput.write(try lifecycle.replace(device))
    case .remove(let device): try ReplyOutput.write(try lifecycle.remove(device))
    case .rekey(let device): try ReplyOutput.write(try lifecycle.rekey(device))
    case .select, .log, .queueAdd, .queue, .queueTake, .queueDone, .queueCancel:
      throw Refusal(.requestRefused, "not built yet")
    case .provisionMany: try ManyProvisioning(home: home, actor: actor).answer(registry)
    case .createEnrollKey, .enrollKeys, .removeEnrollKey, .pending, .approve, .reject:
      try EnrollmentRequests(home: home, actor: actor).answer(request, registry)
    }
  }

  /// Whoever lists or changes sees no device that is over. One that cannot be removed now keeps nobody from reading.
  private func expire(before request: OperatorRequest, _ registry: Registry) throws(Refusal) {
    switch request {
    case .version, .connect: break
    case .list, .show: try? DeviceExpiry.run(registry, home: home, now_s: Int64(time(nil)))
    default: try DeviceExpiry.run(registry, home: home, now_s: Int64(time(nil)))
    }
  }

  private func list(_ registry: Registry) throws(Refusal) {
    let snapshot = HostSnapshot.take(home)
    let devices = HostKeyAdoption.adopt(for: try registry.devices(), from: snapshot, into: registry)
    var text =
      Reply.ok([
        "count": .integer(Int64(devices.count)),
        "now": .string(Timestamp(seconds: snapshot.now_s).description),
        "pending": .integer(Int64(try registry.waitingCount())),
      ]).line + "\n"
    for device in devices { text += JSON.object(snapshot.status(of: device).object).text + "\n" }
    try ReplyOutput.write(text)
  }

  private func provision(_ device: DeviceName, _ registry: Registry) throws(Refusal) -> ProvisionReply {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try ProvisionBody(parsing: line)
      try TagRule.check(body.tags)
      return body
    }
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    try keyFile.refuseForeign(body.key)
    let lease = try registry.provision(
      device, body: body, id: DeviceID(random: .random(in: .min ... .max)), range: settings.ports,
      portsInUse: SocketTable.current().boundPorts, by: actor, now_s: Int64(time(nil)))
    try keyFile.update(from: registry)
    if !lease.created { try SessionFile.forgetClaimants(lease.device, home: home) }
    return ProvisionReply(device: lease.device, port: lease.port, created: lease.created, host: host)
  }
}
