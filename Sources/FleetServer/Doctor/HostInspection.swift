import FleetProtocol
import Glibc

/// `fleet-server doctor`: looks at everything, one thing after the other. What cannot be read is a finding of its own and
/// keeps nothing else from being looked at.
struct HostInspection {
  private let home: Home
  private let now_s = Int64(time(nil))
  private var findings: [HostFinding] = []
  /// Set once they are known.
  private var devices = 0
  private var version: OpenSSHVersion?
  private var newestRow_s: Int64?
  private var maxStartups: MaxStartups?

  private init(home: Home) { self.home = home }

  static func report(_ home: Home) -> HostReport {
    var resolved = home
    var objection: Refusal?
    do throws(Refusal) { resolved = try HomeFolder.check(home) } catch { objection = error }
    var inspection = HostInspection(home: resolved)
    let settings = inspection.settings()
    let account = inspection.account()
    if let settings, let account {
      inspection.lookAtFleet(settings, account, objection: objection)
    } else if let objection, objection.code != .notInitialised {
      inspection.findings.append(StateVerdict.permissions(objection: objection, open: [], home: resolved.path))
    }
    inspection.lookAtMachine()
    return HostReport(subject: inspection.subject(settings), findings: inspection.findings)
  }

  private func subject(_ settings: HostSettings?) -> String {
    let sshd = settings.map { settings in
      ": \(settings.sshdMode == .private ? "a private sshd" : "the system's sshd")"
        + (version.map { ", OpenSSH \($0)" } ?? "") + "; \(devices) device\(devices == 1 ? "" : "s")"
    }
    return "HostA in \(DisplayText.escaped(home.path, limit: 200))\(sshd ?? "")"
  }

  // MARK: What everything else needs

  private mutating func settings() -> HostSettings? {
    do throws(Refusal) {
      let settings = try HostSettings.read(home)
      findings.append(.fine(.settings, "\(home.settings) is understood"))
      return settings
    } catch {
      findings.append(
        HostFinding(
          .serious, .settings, error.message, consequence: "no command of fleet-server works on this folder",
          mend: error.hint.map { .byHand($0) }))
      return nil
    }
  }

  private mutating func account() -> Account? {
    do throws(Refusal) {
      let account = try Account.current()
      findings.append(
        StateVerdict.loginShell(account, canRun: account.shell.isEmpty || access(account.shell, X_OK) == 0))
      return account
    } catch {
      findings.append(.notKnown(.loginShell, error.message))
      return nil
    }
  }

  private mutating func lookAtFleet(_ settings: HostSettings, _ account: Account, objection: Refusal?) {
    let run = MachineReading.run(home)
    let start = HostFinding.Mend.shell(ownCommand("run"))
    findings.append(PortVerdict.run(run, mode: settings.sshdMode, start: start))
    let sockets = SocketTable.current()
    // sshd may listen on one address only, and not on the one where forwards stand.
    let listeners = sockets.entries.filter { $0.isListening && $0.port == settings.listen.port }
    findings.append(
      PortVerdict.sshdListener(
        settings, holder: (listeners.first { $0.local == settings.listen.address } ?? listeners.first)?.uid,
        account: account.uid, name: MachineReading.accountName, start: start))

    var leases = lookAtKeys(settings, account)
    if leases.isEmpty { leases[settings.ports.lower] = "a device" }
    findings.append(
      PortVerdict.foreignListeners(
        leases: leases, holders: sockets.holders, account: account.uid, name: MachineReading.accountName))
    findings.append(MachineReading.leaseRange(settings.ports))

    let policy = lookAtSSHD(settings, account, ports: leases.keys.sorted())
    lookAtPermissions(settings, account, objection: objection, isStrict: policy?.value("strictmodes") != "no")
    var pid = getpid()
    if case .running(let running) = run { pid = running }
    findings +=
      CapacityVerdict(
        devices: devices, mode: settings.sshdMode, limits: MachineReading.limits(of: pid), maxStartups: maxStartups
      ).findings
  }

  private mutating func lookAtMachine() {
    findings.append(MachineReading.disk(of: home.path))
    findings.append(
      StateVerdict.clock(now_s: now_s, program_s: MachineReading.programTime_s(), newest_s: newestRow_s))
  }

  // MARK: Registry and key file

  /// Looks at both; the leased ports, and what each one's device is called.
  private mutating func lookAtKeys(_ settings: HostSettings, _ account: Account) -> [TCPPort: String] {
    var verdict = keys(settings, account)
    // A change is in the registry a moment before it is in the key file.
    if verdict.findings.contains(where: { $0.code == .keyLinesDiffer || $0.code == .keyLinesStray }), !verdict.isFine {
      sleep(1)
      verdict = keys(settings, account)
    }
    findings += verdict.findings
    devices = verdict.leases.count
    newestRow_s = verdict.newestRow_s
    return verdict.leases
  }

  private struct Keys {
    var findings: [HostFinding] = []
    var leases: [TCPPort: String] = [:]
    var newestRow_s: Int64?
    var isFine: Bool { findings.allSatisfy { $0.severity != .serious } }
  }

  private func keys(_ settings: HostSettings, _ account: Account) -> Keys {
    var result = Keys()
    var wanted: KeyFileEvidence.Wanted?
    do throws(Refusal) {
      let registry = try Registry.open(home, busyTimeout_s: 2)
      let complaints = try registry.complaints()
      let read = try registry.wantedKeys(now_s: now_s)
      wanted = read
      result.newestRow_s = try registry.newestRow_s()
      for device in read.devices { result.leases[device.port] = read.names[device.id]?.rawValue ?? "a device" }
      result.findings.append(StateVerdict.registry(complaints, devices: read.names.count))
    } catch {
      result.findings.append(StateVerdict.registry(error, file: home.registry))
    }
    do throws(Refusal) {
      let evidence = try evidence(settings, account, wanted)
      if wanted == nil { result.leases = evidence.ports }
      result.findings.append(.fine(.keyFile, "\(evidence.path) is there"))
      result.findings += KeyFileVerdict(evidence).findings
      result.findings.append(
        KeyProgramVerdict.finding(
          evidence.program, found: evidence.program.map { MachineReading.program($0) } ?? .same,
          running: evidence.ownProgram, rewrite: evidence.rewrite))
    } catch {
      result.findings.append(
        HostFinding(
          .serious, .keyFile, error.message, consequence: "sshd lets no device and no operator in",
          mend: error.hint.map { .byHand($0) } ?? rewrite(wanted)))
    }
    return result
  }

  /// Throws what keeps the key file from being read.
  private func evidence(
    _ settings: HostSettings, _ account: Account, _ wanted: KeyFileEvidence.Wanted?
  ) throws(Refusal) -> KeyFileEvidence {
    let keyFile = try KeyFile(home: home, settings: settings, account: account)
    guard let text = try FileReading.bytes(of: keyFile.path) else {
      throw Refusal(.ioFailed, "\(keyFile.path) is not there")
    }
    let (own, others) = try KeyFileEvidence.lines(of: text, mode: settings.sshdMode)
    return KeyFileEvidence(
      path: keyFile.path, own: own, others: others, wanted: wanted, namedHome: keyFile.command.home,
      ownProgram: keyFile.command.executable, rewrite: rewrite(wanted))
  }

  /// An operator who is added again as they are: nothing changes but that the key file is written anew.
  private func rewrite(_ wanted: KeyFileEvidence.Wanted?) -> HostFinding.Mend {
    guard let entry = wanted?.operators.first else { return .shell(ownCommand("run")) }
    return .shell("echo '\(entry.key)' | \(ownCommand("operator add \(entry.name) --key /dev/stdin"))")
  }

  /// A command line of this program that works on this folder.
  private func ownCommand(_ arguments: String) -> String {
    let program = (try? SafePath.ownExecutable()) ?? "fleet-server"
    let usual = try? Home.locate(option: nil) { name in
      name == "FLEET_SERVER_HOME" ? nil : getenv(name).map { String(cString: $0) }
    }
    return "\(program) \(arguments)\(usual == home ? "" : " --home \(home.path)")"
  }

  // MARK: sshd

  /// What sshd would do; `nil` where it does not say.
  private mutating func lookAtSSHD(_ settings: HostSettings, _ account: Account, ports: [TCPPort]) -> SSHDPolicy? {
    let reading = SSHDPolicyReading(settings: settings, home: home)
    let place = SSHDConfigurationPlace(
      mode: settings.sshdMode, file: home.sshdConfiguration, account: settings.account)
    version = reading.version()
    do throws(Refusal) {
      let policy = try reading.policy()
      findings.append(.fine(.sshdPolicy, "\(settings.sshd) -T tells it"))
      maxStartups = policy.value("maxstartups").flatMap { MaxStartups(parsing: $0) }
      findings += ForwardingVerdict.findings(policy, ports: ports, place: place)
      if let keyFile = try? KeyFile(home: home, settings: settings, account: account).path {
        findings += LoginVerdict.findings(
          policy, keyFile: keyFile, accountFolder: account.homeFolder, place: place)
      }
      findings +=
        ConnectionVerdict(
          policy: policy, version: version, devices: devices, cores: Processors.count, place: place
        ).findings
      if settings.sshdMode == .private { findings.append(configuration(settings, account, policy)) }
      return policy
    } catch {
      findings.append(policyFailure(error, settings))
      return nil
    }
  }

  private func policyFailure(_ error: Refusal, _ settings: HostSettings) -> HostFinding {
    guard settings.sshdMode == .private else {
      return .notKnown(
        .sshdPolicy, error.message,
        mend: .rootShell("\(settings.sshd) -T -C user=\(settings.account),host=h,addr=192.0.2.1"))
    }
    return HostFinding(
      .serious, .sshdPolicy, error.message, consequence: "sshd does not start with this configuration",
      mend: error.hint.map { .rootShell($0) } ?? .shell(ownCommand("run")))
  }

  /// Whether the private sshd's file is what `run` would write for this sshd.
  private func configuration(_ settings: HostSettings, _ account: Account, _ policy: SSHDPolicy) -> HostFinding {
    let present = (try? FileReading.bytes(of: home.sshdConfiguration)) ?? []
    // `init` leaves the penalties out; `run` asks sshd.
    let written = (policy.words("persourcepenalties") == nil ? [false] : [false, true]).map { hasPenalties in
      SSHDConfiguration.private(
        home: home, settings: settings, isRoot: account.uid == 0, hasPenalties: hasPenalties, cores: Processors.count)
    }
    guard written.contains(where: { Array($0.utf8) == present }) else {
      return HostFinding(
        .warning, .sshdConfig, "\(home.sshdConfiguration) is not as fleet-server writes it",
        consequence: "'fleet-server run' writes it anew at its next start, and what somebody has changed is gone then",
        mend: .shell(ownCommand("run")))
    }
    return .fine(.sshdConfig, "\(home.sshdConfiguration) is as fleet-server writes it")
  }

  private mutating func lookAtPermissions(
    _ settings: HostSettings, _ account: Account, objection: Refusal?, isStrict: Bool
  ) {
    let own = [home.hostKey, home.registry, home.authorizedKeys, home.settings].compactMap { path in
      MachineReading.mode(of: path).flatMap { OpenFile(ownFile: path, mode: $0, isHostKey: path == home.hostKey) }
    }
    var strict: [OpenFile] = []
    if settings.sshdMode == .system, isStrict,
      var path = try? KeyFile(home: home, settings: settings, account: account).path
    {
      while !path.isEmpty {
        if let mode = MachineReading.mode(of: path), let file = OpenFile(strict: path, mode: mode) {
          strict.append(file)
        }
        if path == account.homeFolder { break }
        path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
      }
    }
    findings.append(StateVerdict.permissions(objection: objection, open: strict + own, home: home.path))
  }
}
