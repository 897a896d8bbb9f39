import FleetProtocol
import Glibc

/// Frees a device's port for its new connection.
enum Takeover {
  /// Ends the recorded connection if it still lives, and waits until the port is free; whether one was ended. Throws
  /// `port-blocked` or `port-in-use`.
  static func free(_ port: TCPPort, of record: SessionRecord?, ownAncestors: [Int32]) throws(Refusal) -> Bool {
    let tookOver = record.map { end($0.sshd, ownAncestors: ownAncestors) } ?? false
    // Binding costs the same on a HostA with ten thousand tunnels; the kernel's table of all sockets is read only
    // where that fails.
    let place = ListenAddress(address: .loopback, port: port)
    if BindProbe.canBind(place) { return tookOver }
    let isFree = wait(.seconds(4)) { BindProbe.canBind(place) || holder(of: port).map { $0 != geteuid() } ?? true }
    switch holder(of: port) {
    case nil: return tookOver
    case let uid? where uid != geteuid():
      throw Refusal(
        .portBlocked, "another account on HostA (number \(uid)) listens on the device's port \(port)",
        hint: "on HostA, end that process: ss -ltnp 'sport = :\(port)'")
    default:
      if isFree { return tookOver }
      throw Refusal(
        .portInUse, "the device's old connection does not let go of the port \(port)",
        hint: "on HostA, end the sshd that listens on it: ss -ltn 'sport = :\(port)'")
    }
  }

  /// Ends a recorded connection, if it still lives and is not the one that asks; whether it did.
  static func end(_ sshd: ProcessIdentity, ownAncestors: [Int32]) -> Bool {
    guard mayEnd(sshd, ownAncestors) else { return false }
    kill(sshd.pid, SIGTERM)
    if !wait(.seconds(2), until: { !mayEnd(sshd, ownAncestors) }), mayEnd(sshd, ownAncestors) {
      kill(sshd.pid, SIGKILL)
    }
    return true
  }

  private static func holder(of port: TCPPort) -> UInt32? { SocketTable.current().holder(of: port) }

  private static func mayEnd(_ sshd: ProcessIdentity, _ ownAncestors: [Int32]) -> Bool {
    sshd.mayBeEvicted(
      ProcessTable.process(sshd.pid), bootID: ProcessTable.bootID(), uid: geteuid(), ownAncestors: ownAncestors)
  }

  private static func wait(_ limit: Duration, until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      usleep(20_000)
    }
    return true
  }
}
