import FleetProtocol
import Glibc

/// What an operator's key may ask: the forced command `operator NAME`.
struct OperatorRequests {
  let home: Home
  let name: OperatorName

  private func actor(_ access: OperatorAccess) -> AuditActor {
    let connection = getenv("SSH_CONNECTION").flatMap { SSHConnection(parsing: String(cString: $0)) }
    return AuditActor(name: name.rawValue, remoteAddress: connection.map { "\($0.remote)" }, access: access)
  }

  func answer(_ command: String) throws(Refusal) {
    let request = try OperatorRequest(parsing: command)
    let registry = try Registry.open(home)
    let actor = actor(try admit(request, registry))
    KeyFile.mend(home, from: registry)
    try expire(before: request, registry)
    let lifecycle = DeviceLifecycle(home: home, actor: actor, registry: registry)
    switch request {
    case .version:
      try ReplyOutput.write(
        .ok([
          "version": .string(FleetVersion.current), "operator": .string(name.rawValue),
          "role": .string(actor.access.role.rawValue), "devices": JSON(actor.access.devices.texts),
        ]))
    case .list: try DeviceListing(home: home, access: actor.access).answer(.everything, registry)
    case .select:
      let body = try RequestBody.read { (line) throws(JSONError) in try SelectBody(parsing: line) }
      try DeviceListing(home: home, access: actor.access).answer(body.selector, registry)
    case .log:
      let body = try RequestBody.read { (line) throws(JSONError) in try LogBody(parsing: line) }
      let entries = try registry.log(body, for: actor.access)
      try ReplyOutput.write(["count": .integer(Int64(entries.count))], lines: entries.map(\.object))
    case .show(let device):
      let snapshot = try HostSnapshot.take(home)
      let named = try registry.device(named: device, for: actor.access)
      let found = HostKeyAdoption.adopt(for: named, from: snapshot, into: registry)
      let reply = ShowReply(device: snapshot.status(of: found), outages: try registry.outages(of: found.id))
      try ReplyOutput.write(.ok(reply.fields))
    case .provision(let device): try ReplyOutput.write(.ok(try provision(device, by: actor, registry).fields))
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
    case .queueAdd: try CommandQueue(actor: actor, registry: registry).add()
    case .queue: try CommandQueue(actor: actor, registry: registry).list()
    case .queueTake(let id, let device): try CommandQueue(actor: actor, registry: registry).take(id, device)
    case .queueDone(let id, let device): try CommandQueue(actor: actor, registry: registry).report(id, device)
    case .queueCancel(let id): try CommandQueue(actor: actor, registry: registry).cancel(id)
    case .provisionMany: try ManyProvisioning(home: home, actor: actor).answer(registry)
    case .createEnrollKey, .enrollKeys, .removeEnrollKey, .pending, .approve, .reject:
      try EnrollmentRequests(home: home, actor: actor).answer(request, registry)
    }
  }

  /// The one gate: whether the operator may ask for this, before a body is read or anything done. A change asks again in its
  /// own transaction, where it is known what the device will be. Throws `denied`.
  private func admit(_ request: OperatorRequest, _ registry: Registry) throws(Refusal) -> OperatorAccess {
    let access = try registry.access(of: name)
    try access.check(request)
    guard !access.devices.isEverything, let device = request.device else { return access }
    do throws(Refusal) { _ = try registry.device(named: device, for: access) } catch {
      // One that is not there is told by the request itself, or made by it.
      guard error.code == .noSuchDevice else { throw error }
    }
    return access
  }

  /// Whoever lists or changes sees no device that is over. One that cannot be removed now keeps nobody from reading.
  private func expire(before request: OperatorRequest, _ registry: Registry) throws(Refusal) {
    switch request {
    case .version, .connect: break
    case .list, .select, .show, .log, .queue: try? DeviceExpiry.run(registry, home: home, now_s: Int64(time(nil)))
    default: try DeviceExpiry.run(registry, home: home, now_s: Int64(time(nil)))
    }
  }

  private func provision(_ device: DeviceName, by actor: AuditActor, _ registry: Registry) throws(Refusal)
    -> ProvisionReply
  {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try ProvisionBody(parsing: line)
      try TagRule.check(body.tags)
      return body
    }
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    try keyFile.refuseForeign(body.key)
    let lease = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.provision(
        device, body: body, id: DeviceID(random: .random(in: .min ... .max)), range: settings.ports,
        portsInUse: SocketTable.current().boundPorts, by: actor, now_s: Int64(time(nil)))
    }
    if !lease.created { try SessionFile.forgetClaimants(lease.device, home: home) }
    return ProvisionReply(device: lease.device, port: lease.port, created: lease.created, host: host)
  }
}
