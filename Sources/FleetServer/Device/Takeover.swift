import FleetProtocol
import Glibc

/// Frees a device's port for its new connection.
enum Takeover {
  /// How the port should be when the connection that asks is the device's.
  enum Aim {
    /// Free, because that connection asks for its forward afterwards.
    case free
    /// Listened on by that connection already.
    case listening
  }

  /// Ends the recorded connection if it still lives, and brings the port into the state that is wanted; whether one was
  /// ended. Throws `port-blocked` or `port-in-use`.
  static func make(
    _ port: TCPPort, _ aim: Aim, of record: SessionRecord?, ownAncestors: [Int32]
  ) throws(Refusal) -> Bool {
    switch aim {
    case .free: try free(port, of: record, ownAncestors: ownAncestors)
    case .listening: try leave(port, of: record, ownAncestors: ownAncestors)
    }
  }

  private static func free(_ port: TCPPort, of record: SessionRecord?, ownAncestors: [Int32]) throws(Refusal) -> Bool {
    let tookOver = record.map { end($0.sshd, ownAncestors: ownAncestors) } ?? false
    // Binding costs the same on a HostA with ten thousand tunnels; the kernel's table of all sockets is read only
    // where that fails.
    let place = ListenAddress(address: .loopback, port: port)
    if BindProbe.canBind(place) { return tookOver }
    let isFree = wait(.seconds(4)) { BindProbe.canBind(place) || holder(of: port).map { $0 != geteuid() } ?? true }
    switch holder(of: port) {
    case nil: return tookOver
    case let uid? where uid != geteuid(): throw blocked(port, by: uid)
    default:
      if isFree { return tookOver }
      throw Refusal(
        .portInUse, "the device's old connection does not let go of the port \(port)",
        hint: "on HostA, end the sshd that listens on it: ss -ltn 'sport = :\(port)'")
    }
  }

  /// Only the device's own key can listen there: with the recorded connection gone, it is the one that asks.
  private static func leave(_ port: TCPPort, of record: SessionRecord?, ownAncestors: [Int32]) throws(Refusal) -> Bool {
    let tookOver = record.map { end($0.sshd, ownAncestors: ownAncestors) } ?? false
    let holder = holder(of: port)
    guard let holder else {
      throw Refusal(
        .portInUse, "this connection does not listen on the device's port \(port)",
        hint: "claim first, and then attach on a connection with -R \(Loopback.address):\(port)")
    }
    guard holder == geteuid() else { throw blocked(port, by: holder) }
    return tookOver
  }

  /// Ends a recorded connection, if it still lives and is not the one that asks; whether it did.
  static func end(_ sshd: ProcessIdentity, ownAncestors: [Int32]) -> Bool {
    let found = ProcessTable.process(sshd.pid)
    guard sshd.mayBeEvicted(found, bootID: ProcessTable.bootID(), uid: geteuid(), ownAncestors: ownAncestors) else {
      return false
    }
    SSHDProcess.end([sshd])
    return true
  }

  private static func blocked(_ port: TCPPort, by uid: UInt32) -> Refusal {
    Refusal(
      .portBlocked, "another account on HostA (number \(uid)) listens on the device's port \(port)",
      hint: "on HostA, end that process: ss -ltnp 'sport = :\(port)'")
  }

  private static func holder(of port: TCPPort) -> UInt32? { SocketTable.current().holder(of: port) }

  private static func wait(_ limit: Duration, until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      usleep(20_000)
    }
    return true
  }
}
