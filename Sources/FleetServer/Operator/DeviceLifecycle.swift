import FleetProtocol
import Glibc

/// What operators do to a device after it was provisioned. Each of it stands in the audit.
///
/// The order is always the same: the registry decides in one transaction, the key file follows, and then the
/// connections that the old state let in are ended.
struct DeviceLifecycle {
  let home: Home
  let actor: AuditActor
  let registry: Registry

  private var now_s: Int64 { Int64(time(nil)) }

  func rename(_ name: DeviceName, to new: DeviceName) throws(Refusal) -> Reply {
    .ok(["changed": .bool(try registry.rename(name, to: new, by: actor, now_s: now_s))])
  }

  func tag(_ name: DeviceName) throws(Refusal) -> Reply {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try TagBody(parsing: line)
      try TagRule.check(body.set)
      return body
    }
    return .ok(["tags": JSON(try registry.tag(name, body, by: actor, now_s: now_s))])
  }

  func replace(_ name: DeviceName) throws(Refusal) -> Reply {
    let body = try RequestBody.read { (line) throws(JSONError) in
      let body = try ProvisionBody(parsing: line)
      try TagRule.check(body.tags)
      return body
    }
    let settings = try HostSettings.read(home)
    let host = try settings.hostAddress(home: home)
    let keyFile = try keyFile(settings)
    try keyFile.refuseForeign(body.key)
    let replacement = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.replace(name, body: body, by: actor, now_s: now_s)
    }
    let device = replacement.device
    // Of a request that is repeated, what was claimed since the first is the new hardware's.
    try SessionEnd.shutOut(
      device.id, home: home, claimedUntil_s: replacement.isNew ? .max : device.provisioned_s)
    if replacement.isNew { OpenConnections.shutOut(.device(device.id), home: home) }
    return .ok(ProvisionReply(device: device.id, port: device.port, created: replacement.isNew, host: host).fields)
  }

  func remove(_ name: DeviceName) throws(Refusal) -> Reply {
    let keyFile = try keyFile(try HostSettings.read(home))
    let device = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.removeDevice(name, by: actor, now_s: now_s)
    }
    let ended = try SessionEnd.shutOut(device.id, home: home)
    OpenConnections.shutOut(.device(device.id), home: home)
    return .ok(RemoveReply(port: device.port, ended: ended).fields)
  }

  func rekey(_ name: DeviceName) throws(Refusal) -> Reply {
    let keyFile = try keyFile(try HostSettings.read(home))
    let device = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.rekey(name, by: actor, now_s: now_s)
    }
    return .ok(["ended": .bool(try SessionEnd.disconnect(device.id, home: home))])
  }

  private func keyFile(_ settings: HostSettings) throws(Refusal) -> KeyFile {
    try KeyFile(home: home, settings: settings, account: try Account.current())
  }
}
