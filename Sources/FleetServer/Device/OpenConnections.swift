import FleetProtocol
import Glibc

/// The connections that the private sshd carries now.
enum OpenConnections {
  /// Ends what `ShutOutRule` says must end now that this holder's key is out. The caller has written the key file before,
  /// so that nothing comes back by the old key. The machine's own sshd serves others as well, so there only the recorded
  /// tunnels are ended, by `SessionEnd`.
  static func shutOut(_ holder: KeyHolder, home: Home) {
    let ownAncestors = Set(ProcessTable.ownAncestors().map(\.pid))
    var open = read(home)
    while !open.isEmpty {
      let sessions = Set(SessionFile.all(home: home).map(\.sshd))
      let fates = Dictionary(grouping: open) {
        ShutOutRule.fate(of: $0, without: holder, sessions: sessions, ownAncestors: ownAncestors)
      }
      SSHDProcess.end((fates[.ends] ?? []).flatMap(\.sshd))
      guard let awaited = fates[.isAwaited] else { return }
      // Not often: each look reads the process table and the session of every device.
      usleep(250_000)
      // Who comes after the first look logs in by the new key file.
      let early = Set(awaited.flatMap(\.sshd))
      open = read(home).filter { !$0.sshd.isDisjoint(with: early) }
    }
  }

  /// What stands below the listener, and what stood below an earlier one of the same `run`. Nothing where no private sshd
  /// is up.
  private static func read(_ home: Home) -> [OpenConnection] {
    guard let listener = RunRecord.read(home)?.listener, SSHDProcess.isAlive(listener) else { return [] }
    let bootID = ProcessTable.bootID()
    let all = ProcessTable.all()
    let now = ProcessTable.ticks()
    let children = Dictionary(grouping: all, by: \.stat.parent)
    let run = all.first { $0.stat.pid == listener.pid }?.stat.parent
    let roots = (children[listener.pid] ?? []) + (run.flatMap { $0 == 1 ? nil : children[$0] } ?? [])
    return roots.filter { $0.stat.isSSHD && $0.uid == geteuid() && $0.stat.pid != listener.pid }.map { root in
      let age_ticks = now - min(now, root.stat.startTime)
      var connection = OpenConnection(
        sshd: [], callers: [], age: .seconds(Int64(age_ticks)) / Int(ProcessTable.ticksPerSecond))
      var rest = [root]
      while let process = rest.popLast() {
        rest += children[process.stat.pid] ?? []
        if process.stat.isSSHD {
          connection.sshd.insert(
            ProcessIdentity(pid: process.stat.pid, startTime: process.stat.startTime, bootID: bootID))
        } else if let line = ForcedCommandLine(Array(ProcessTable.arguments(of: process.stat.pid).dropFirst())) {
          connection.callers.insert(KeyHolder(line))
        }
      }
      return connection
    }
  }
}
