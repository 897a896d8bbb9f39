import CLinux
import FleetProtocol
import Glibc

/// `fleet-server run`: keeps the private sshd up and watches presence, until a signal ends it.
struct HostRun {
  private let home: Home
  private let settings: HostSettings
  private var watch: PresenceWatch
  private var delay = RestartDelay()

  /// Throws whatever keeps this HostA from running.
  static func run(_ home: Home) throws(Refusal) {
    let home = try HomeFolder.check(home)
    let settings = try HostSettings.read(home)
    let account = try Account.current()
    if let objection = account.shellObjection { throw objection }
    if account.uid == 0 { StandardError.write(RootWarning.text) }
    guard let lock = try FileLock(path: home.runLock, wait: .zero) else {
      throw Refusal(
        .alreadyRunning, "another fleet-server works on \(home.path)",
        hint: "end that one first, or give another --home")
    }
    defer { lock.release() }
    mendKeyFile(home, settings, account)
    var run = HostRun(home: home, settings: settings, watch: PresenceWatch(home: home))
    try run.loop()
  }

  /// A registry that cannot be used now keeps nobody out who is in the key file already.
  private static func mendKeyFile(_ home: Home, _ settings: HostSettings, _ account: Account) {
    do throws(Refusal) {
      try KeyFile(home: home, settings: settings, account: account).update(from: try Registry.open(home))
    } catch {
      StandardError.write(error)
    }
  }

  private mutating func loop() throws(Refusal) {
    // Ignored, so that an sshd of ours outlives a reader of the log.
    signal(SIGPIPE, SIG_IGN)
    let signals = try SignalQueue([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    _ = clinux_become_child_subreaper()
    let sshd = settings.sshdMode == .private ? PrivateSSHD(home: home, settings: settings) : nil
    var listener: ProcessIdentity?
    var startAt: ContinuousClock.Instant?
    if let sshd {
      try sshd.prepare()
      sshd.endLeftListener()
      try sshd.requireFreePort()
      listener = try sshd.start()
      try awaitListener(sshd, listener)
      StandardError.write("sshd listens on \(settings.listen)")
    } else {
      StandardError.write("watching presence; the system's sshd lets devices in")
    }
    var startedAt = ContinuousClock.now
    var sampleAt = ContinuousClock.now
    while true {
      let now = ContinuousClock.now
      if now >= sampleAt {
        watch.sample()
        sampleAt = ContinuousClock.now + .seconds(5)
      }
      if let sshd, let due = startAt, now >= due {
        startAt = nil
        startedAt = now
        do throws(Refusal) {
          try sshd.prepare()
          try sshd.requireFreePort()
          listener = try sshd.start()
        } catch {
          StandardError.write(error)
          startAt = ContinuousClock.now + delay.next(afterLiving: .zero)
        }
      }
      for signal in signals.next(wait: min(sampleAt, startAt ?? sampleAt) - ContinuousClock.now) {
        guard signal != SIGCHLD else { continue }
        if let sshd {
          sshd.endAll()
          watch.end()
        }
        return
      }
      if let status = Self.reap(listener?.pid) {
        let wait = delay.next(afterLiving: ContinuousClock.now - startedAt)
        StandardError.write("sshd ended with status \(status), its log above says why; starting it again in \(wait)")
        listener = nil
        startAt = ContinuousClock.now + wait
      }
    }
  }

  /// Collects all children that ended; the status of `listener` if it was among them.
  private static func reap(_ listener: pid_t?) -> Int32? {
    var ended: Int32?
    var status: Int32 = 0
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      guard pid > 0 else { return ended }
      if pid == listener { ended = Subprocess.exitStatus(status) }
    }
  }

  /// Throws `sshd-failed` when sshd ends before it listens.
  private func awaitListener(_ sshd: PrivateSSHD, _ listener: ProcessIdentity?) throws(Refusal) {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
      if let status = Self.reap(listener?.pid) {
        throw Refusal(.sshdFailed, "sshd ended with status \(status) at its start, its log above says why")
      }
      if SocketTable.current().entries.contains(where: { $0.isListening && $0.port == settings.listen.port }) { return }
      usleep(20_000)
    }
    throw Refusal(.sshdFailed, "sshd was started but does not listen on \(settings.listen)")
  }
}

/// What is said whenever root runs this HostA.
enum RootWarning {
  static let text = "runs as root: an ordinary account is enough and safer"
}
