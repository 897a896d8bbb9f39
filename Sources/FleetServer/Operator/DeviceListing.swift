import FleetProtocol
import Glibc

/// The requests `list` and `select`: the registry, the session files and the kernel's sockets, joined now.
struct DeviceListing {
  let home: Home
  let access: OperatorAccess

  /// The devices that are asked for, of those that the operator is let at.
  func answer(_ selector: DeviceSelector, _ registry: Registry) throws(Refusal) {
    let snapshot = HostSnapshot.take(home)
    let named = try registry.devices().filter { device in
      access.means(device)
        && selector.matches(name: device.name, user: device.user, tags: device.tags, state: nil)
    }
    let devices = HostKeyAdoption.adopt(for: named, from: snapshot, into: registry).map { snapshot.status(of: $0) }
      .filter { selector.matches($0) }
    let isApprover = access.devices.isEverything && access.role >= OperatorRequest.pending.requiredRole
    try ReplyOutput.write(
      [
        "count": .integer(Int64(devices.count)), "now": .string(Timestamp(seconds: snapshot.now_s).description),
        "pending": .integer(isApprover ? Int64(try registry.waitingCount()) : 0),
      ], lines: devices.map(\.object))
  }
}
