import Glibc

/// Ends sshd processes of our own account.
enum SSHDProcess {
  static func isAlive(_ sshd: ProcessIdentity) -> Bool {
    sshd.isLivingSSHD(ProcessTable.process(sshd.pid), bootID: ProcessTable.bootID(), uid: geteuid())
  }

  /// Sends SIGTERM, and after two seconds SIGKILL to those that are left. Returns when all are gone, or a second later.
  static func end(_ processes: [ProcessIdentity]) {
    var left = processes.filter(isAlive)
    for (signal, wait) in [(SIGTERM, Duration.seconds(2)), (SIGKILL, .seconds(1))] {
      for sshd in left { kill(sshd.pid, signal) }
      let deadline = ContinuousClock.now + wait
      while !left.isEmpty, ContinuousClock.now < deadline {
        usleep(20_000)
        left = left.filter(isAlive)
      }
    }
  }
}
