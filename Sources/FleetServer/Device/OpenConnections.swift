import FleetProtocol
import Glibc

/// The connections that the private sshd carries now.
enum OpenConnections {
  /// Ends what `ShutOutRule` says must end now that this holder's key is out. The caller has written the key file before,
  /// so that nothing comes back by the old key. The machine's own sshd serves others as well, so there only the recorded
  /// tunnels are ended, by `SessionEnd`.
  static func shutOut(_ holder: KeyHolder, home: Home) {
    let ending = ShutOutRule.ending(
      read(home), of: holder, sessions: Set(SessionFile.all(home: home).map(\.sshd)),
      ownAncestors: Set(ProcessTable.ownAncestors().map(\.pid)))
    SSHDProcess.end(ending.flatMap(\.sshd))
  }

  /// What stands below the listener, and what stood below an earlier one of the same `run`. Nothing where no private sshd
  /// is up.
  private static func read(_ home: Home) -> [OpenConnection] {
    guard let listener = RunRecord.read(home)?.listener, SSHDProcess.isAlive(listener) else { return [] }
    let bootID = ProcessTable.bootID()
    let all = ProcessTable.all()
    let children = Dictionary(grouping: all, by: \.stat.parent)
    let run = all.first { $0.stat.pid == listener.pid }?.stat.parent
    let roots = (children[listener.pid] ?? []) + (run.flatMap { $0 == 1 ? nil : children[$0] } ?? [])
    return roots.filter { $0.stat.isSSHD && $0.uid == geteuid() && $0.stat.pid != listener.pid }.map { root in
      var connection = OpenConnection(sshd: [], callers: [])
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
