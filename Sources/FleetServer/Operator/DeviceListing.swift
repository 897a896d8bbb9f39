import FleetProtocol
import Glibc

/// The requests `list` and `select`: the registry, the session files and the kernel's sockets, joined now.
struct DeviceListing {
  let home: Home
  let access: OperatorAccess

  /// The devices that are asked for, of those that the operator is let at.
  func answer(_ selector: DeviceSelector, _ registry: Registry) throws(Refusal) {
    let snapshot = try HostSnapshot.take(home)
    let devices = try registry.listedDevices(named: selector.plainNames)
    var sessions = try SessionFolder(home: home)
    defer { sessions.close() }
    var lines: [UInt8] = []
    lines.reserveCapacity(devices.count * 768)
    var count = 0
    for var device in devices {
      guard access.means(device), selector.means(device) else { continue }
      let session = sessions.session(of: device.id)
      if HostKeyAdoption.adopt(for: device, session: session, now_s: snapshot.now_s, into: registry) {
        device.isEnrolled = true
      }
      if snapshot.write(device, session: session, where: selector, to: &lines) { count += 1 }
    }
    let isApprover = access.devices.isEverything && access.role >= OperatorRequest.pending.requiredRole
    try ReplyOutput.write(
      .ok([
        "count": .integer(Int64(count)), "now": .string(Timestamp(seconds: snapshot.now_s).description),
        "pending": .integer(isApprover ? Int64(try registry.waitingCount()) : 0),
      ]))
    try ReplyOutput.write(lines)
  }
}
