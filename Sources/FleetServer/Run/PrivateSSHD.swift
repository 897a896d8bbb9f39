import FleetProtocol
import Glibc

/// The sshd that `run` keeps up.
struct PrivateSSHD {
  let home: Home
  let settings: HostSettings

  /// Writes sshd's configuration anew and has sshd check it. Throws `sshd-missing` or `sshd-failed`.
  func prepare() throws(Refusal) {
    guard access(settings.sshd, X_OK) == 0 else {
      throw Refusal(
        .sshdMissing, "\(settings.sshd) is not installed",
        hint: "apt-get install openssh-server (its own service is not needed), or set 'sshd' in \(home.settings)")
    }
    if geteuid() == 0 { try makeSeparationFolder() }
    // An sshd that does not know an option refuses its whole configuration: ask it.
    let probe = try Subprocess.run(
      settings.sshd, ["-t", "-f", "/dev/null", "-h", home.hostKey, "-o", "PerSourcePenalties=no"])
    do throws(Refusal) { try write(hasPenalties: probe.status == 0) } catch {
      // An older one lets the devices in, too.
      guard access(home.sshdConfiguration, R_OK) == 0 else { throw error }
      StandardError.write(error)
    }
    let check = try Subprocess.run(settings.sshd, ["-t", "-f", home.sshdConfiguration])
    guard check.status == 0 else {
      throw Refusal(
        .sshdFailed, "sshd does not accept its configuration: \(check.lastError(limit: 300))",
        hint: "see it all: \(settings.sshd) -t -f \(home.sshdConfiguration)")
    }
  }

  /// The empty folder that an sshd of root shuts its unprivileged part into.
  private func makeSeparationFolder() throws(Refusal) {
    guard mkdir("/run/sshd", 0o755) == 0 else {
      if errno == EEXIST { return }
      throw .systemCall("/run/sshd, which sshd needs when root runs it, cannot be made", code: .sshdFailed)
    }
    chmod("/run/sshd", 0o755)
  }

  private func write(hasPenalties: Bool) throws(Refusal) {
    let text = SSHDConfiguration.private(
      home: home, settings: settings, isRoot: geteuid() == 0, hasPenalties: hasPenalties, cores: Processors.count)
    guard try FileReading.bytes(of: home.sshdConfiguration, limit: 1 << 20) != Array(text.utf8) else { return }
    try FileReplacement.write(text.utf8, to: home.sshdConfiguration, durable: true)
  }

  /// Ends the listener that a killed `run` left behind; its tunnels stay up.
  func endLeftListener() {
    guard let listener = RunRecord.read(home)?.listener, SSHDProcess.isAlive(listener) else { return }
    StandardError.write("ending the sshd listener \(listener.pid) that an earlier run left behind")
    SSHDProcess.end([listener])
  }

  /// Throws `listen-port-taken`: sshd itself would only say so in its log and end.
  func requireFreePort() throws(Refusal) {
    let deadline = ContinuousClock.now + .seconds(2)
    while !BindProbe.canBind(settings.listen) {
      let reason = errno
      guard ContinuousClock.now >= deadline || reason != EADDRINUSE else {
        usleep(50_000)
        continue
      }
      guard reason == EADDRINUSE else {
        errno = reason
        throw .systemCall("sshd cannot listen on \(settings.listen)", code: .sshdFailed)
      }
      let holder = SocketTable.current().entries.first { $0.isListening && $0.port == settings.listen.port }?.uid
      let who = holder.map { getpwuid($0).map { String(cString: $0.pointee.pw_name) } ?? "number \($0)" }
      throw Refusal(
        .listenPortTaken,
        "another process listens on \(settings.listen) already" + (who.map { ", of the account \($0)" } ?? ""),
        hint:
          "end it (ss -ltnp 'sport = :\(settings.listen.port)' names it), or set another 'listen' in \(home.settings)")
    }
  }

  /// Starts sshd, which logs to our standard error itself: nothing that we do or suffer can hold up its log.
  func start() throws(Refusal) -> ProcessIdentity {
    let pid = try Subprocess.start(settings.sshd, ["-D", "-e", "-f", home.sshdConfiguration], output: 2, errors: 2)
    let startTime = ProcessTable.process(pid)?.stat.startTime ?? 0
    let listener = ProcessIdentity(pid: pid, startTime: startTime, bootID: ProcessTable.bootID())
    do throws(Refusal) { try RunRecord(listener: listener).write(home) } catch { StandardError.write(error) }
    return listener
  }

  /// Ends every sshd below us, listener and sessions, and the sessions of an earlier run.
  func endAll() {
    let own = geteuid()
    func living() -> [pid_t] {
      let below = ProcessTable.descendants(of: getpid()).filter {
        $0.stat.isSSHD && $0.uid == own && $0.stat.state != "Z"
      }
      return below.map(\.stat.pid) + SessionFile.all(home: home).map(\.sshd).filter(SSHDProcess.isAlive).map(\.pid)
    }
    for (signal, wait) in [(SIGTERM, Duration.seconds(2)), (SIGKILL, .seconds(2))] {
      let deadline = ContinuousClock.now + wait
      var signalled: Set<pid_t> = []
      while true {
        // Sessions that were still logging in when the listener ended appear late.
        let left = living()
        if left.isEmpty { return }
        for pid in left where signalled.insert(pid).inserted { kill(pid, signal) }
        guard ContinuousClock.now < deadline else { break }
        usleep(20_000)
        while waitpid(-1, nil, WNOHANG) > 0 {}
      }
    }
  }
}
