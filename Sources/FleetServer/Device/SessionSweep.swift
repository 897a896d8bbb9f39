import FleetProtocol
import Glibc

/// Ends and forgets what devices that were removed have left in `sessions/`.
enum SessionSweep {
  /// - Parameter removed: found in `sessions/` before the registry was read, which did not know them.
  /// - Parameter known: the sshd processes that carry connections of devices that there are.
  static func run(_ removed: Set<DeviceID>, known: Set<ProcessIdentity>, home: Home) throws(Refusal) {
    guard !removed.isEmpty else { return }
    let bootID = ProcessTable.bootID()
    let listener = RunRecord.read(home)?.listener.pid
    let sshds = ProcessTable.all().filter { process in
      process.stat.isSSHD && process.uid == geteuid() && process.stat.state != "Z" && process.stat.pid != listener
        && !known.contains { $0.pid == process.stat.pid && $0.startTime == process.stat.startTime }
    }
    for device in removed {
      let cutoff = try SessionEnd.cutoff(of: device, home: home)
      let step = SessionSweepRule.step(
        cutoff, bootID: bootID, now_ticks: ProcessTable.ticks(), ticksPerSecond: ProcessTable.ticksPerSecond,
        oldestConnection_ticks: sshds.map(\.stat.startTime).min())
      switch step {
      case .shutOut:
        try SessionEnd.shutOut(device, home: home)
        OpenConnections.shutOut(.device(device), home: home)
      case .wait: break
      case .forget: try forget(device, home: home)
      }
    }
  }

  private static func forget(_ device: DeviceID, home: Home) throws(Refusal) {
    let lock = try SessionFile.lock(device, home: home)
    SessionFile.remove(device, home: home)
    BootFile(home.keyCutoff(of: device), home: home).remove()
    for path in [home.gate(of: device.rawValue), home.namedKeys(of: device)] { unlink(path) }
    lock.releaseAndRemove()
  }
}
