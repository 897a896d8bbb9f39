import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One `fleet exec` from the devices that are meant to the status with which it ends.
struct ExecSession {
  let request: ExecRequest
  let form: ExecReport.Form
  let parallel: Int
  let timeout: Duration?
  let user: LoginName?
  let readsInput: Bool
  /// Whether it stays for devices that come later.
  let waits: Bool
  /// Whether it also runs what another laptop has queued.
  let believesHostA: Bool
  let context: LaptopContext

  private typealias Results = [(job: ExecJob, outcome: ExecOutcome)]

  /// Returns if all was well; otherwise ends this program with the status that says how it was.
  func run() throws(Refusal) {
    let status = try outcome()
    if status != ExitStatus.done.rawValue { exit(status) }
  }

  private func outcome() throws(Refusal) -> Int32 {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let folder = try FileStore.makeTemporaryFolder()
    defer { FileStore.remove(files: FileStore.names(in: folder), in: folder) }
    let last = request.devices == .failedLastTime ? try lastExecution() : nil
    let setting = DeviceRun.Setting(
      way: WayToHostA(hostA: context.hostA, socket: try sharedConnection()), user: user ?? last?.user, program: program,
      folder: folder,
      input: readsInput ? try spool(to: "\(folder)/input") : nil, endIsLogged: Self.sshLogsTheEnd)
    if request.devices == .queued { return try runQueued(setting) }
    let devices = try devices(last)
    if devices.isEmpty {
      StandardStreams.note("fleet: the last run succeeded on every device; nothing was run")
      return ExitStatus.done.rawValue
    }
    return try run(request.command ?? last?.command ?? "", on: devices, setting)
  }

  private var report: ExecReport {
    ExecReport(
      form: form, outputIsTerminal: LaptopEnvironment.isTerminal(STDOUT_FILENO),
      errorsAreTerminal: LaptopEnvironment.isTerminal(STDERR_FILENO),
      style: TerminalStyle(hasColor: LaptopEnvironment.wantsColor()))
  }

  private func run(_ command: String, on devices: [DeviceStatus], _ setting: DeviceRun.Setting) throws(Refusal) -> Int32
  {
    func job(_ device: DeviceName) -> ExecJob { ExecJob(device: device, command: command) }
    let away = devices.filter { $0.state == .offline }.map(\.name)
    let present = devices.filter { $0.state != .offline }.map(\.name)
    var queued: [QueueID: [DeviceName]] = [:]
    // Before anything is run, so that a refusal to queue leaves nothing half done.
    for (id, names) in try queue(command, for: away) { queued[id] = names }
    let run = try ExecRun(
      setting, schedule: ExecSchedule(limit: parallel, timeout: timeout), report: report, watch: nil)
    var results: Results = away.map { name in (job(name), outcome(of: name, in: queued)) }
    run.show(results)
    try run.run(present.map(job))
    let lost = run.results.filter { $0.outcome.state == .offline }.map(\.job.device)
    if run.interruption == nil { for (id, names) in try queue(command, for: lost) { queued[id] = names } }
    results += run.results.map { job, outcome in
      outcome.state == .offline ? (job, self.outcome(of: job.device, in: queued)) : (job, outcome)
    }
    results.sort { $0.job.device < $1.job.device }
    try FileStore.replace(
      context.paths.lastExecution(host: context.host.name),
      with: LastExecution(command: command, user: setting.user, results).text.utf8)
    if run.interruption == nil, waits, !queued.isEmpty {
      say(ExecSummary(results: results, elapsed: run.elapsed).lines)
      return try runQueued(setting, only: Set(queued.keys), before: results.filter { $0.outcome.state != .queued })
    }
    return end(run, ExecSummary(results: results, elapsed: run.elapsed), hints: hints(results))
  }

  /// Runs what waits at HostA. `before` are results that count as well for the status.
  private func runQueued(
    _ setting: DeviceRun.Setting, only: Set<QueueID>? = nil, before: Results = []
  ) throws(Refusal) -> Int32 {
    let watch = QueueWatch(
      way: setting.way, scope: QueueRound.Scope(only: only, here: believesHostA ? nil : try queuedHere()), stays: waits,
      now: ContinuousClock().now)
    let run = try ExecRun(
      setting, schedule: ExecSchedule(limit: parallel, timeout: timeout), report: report, watch: watch)
    try run.run([])
    var hints: [String] = []
    if let remark = QueueRound.remark(run.waiting) { hints.append(remark) }
    if let remark = run.queueRemark { hints.append(remark) }
    if run.results.isEmpty {
      say(["fleet: no queued command was run"] + hints)
      return Self.status(of: run, ExecSummary(results: before, elapsed: run.elapsed))
    }
    say(ExecSummary(results: run.results, elapsed: run.elapsed).lines + hints)
    return Self.status(of: run, ExecSummary(results: before + run.results, elapsed: run.elapsed))
  }

  private func end(_ run: ExecRun, _ summary: ExecSummary, hints: [String]) -> Int32 {
    say(summary.lines + hints)
    return Self.status(of: run, summary)
  }

  private func say(_ lines: [String]) { StandardStreams.note(lines.joined(separator: "\n")) }

  private static func status(of run: ExecRun, _ summary: ExecSummary) -> Int32 {
    return run.interruption.map { 128 + $0 } ?? summary.exitStatus.rawValue
  }

  private func hints(_ results: Results) -> [String] {
    let failed = results.count { ![.ok, .queued].contains($0.outcome.state) }
    return failed > 0
      ? ["  'fleet exec --retry-failed' runs it again on \(failed == 1 ? "that one" : "those \(failed)")"] : []
  }

  /// One login at HostA for all devices, where connections may be shared.
  private func sharedConnection() throws(Refusal) -> String? {
    let hostA = context.hostA
    return try HostMaster(host: hostA.host, paths: hostA.paths, reuse: hostA.reuse)?.standing()?.socket
  }

  // MARK: Which devices

  private func devices(_ last: LastExecution?) throws(Refusal) -> [DeviceStatus] {
    if let last {
      if last.failed.isEmpty { return [] }
      let wanted = Set(last.failed)
      let known = try context.hostA.list().devices.filter { wanted.contains($0.name) }
      let missing = wanted.subtracting(known.map(\.name)).sorted()
      if !missing.isEmpty {
        let names = missing.map(\.rawValue).joined(separator: ", ")
        StandardStreams.note("fleet: no longer there: \(names)")
      }
      return known
    }
    guard case .selected(let selector) = request.devices else { return [] }
    let found = try context.hostA.selectExisting(selector).devices
    guard found.isEmpty else { return found }
    throw Refusal(
      .noSuchDevice, "no device fits \(DisplayText.escaped(selector.description, limit: 200))",
      hint: "nothing was run; 'fleet list --all' with the same words shows what they mean")
  }

  private func lastExecution() throws(Refusal) -> LastExecution {
    guard let text = try FileStore.content(of: context.paths.lastExecution(host: context.host.name), limit: 16 << 20)
    else {
      throw Refusal(.usage, "there was no run of 'fleet exec' yet", hint: "fleet exec SELECTOR... -- COMMAND")
    }
    return try LastExecution(parsing: text)
  }

  // MARK: The queue

  private func queue(_ command: String, for devices: [DeviceName]) throws(Refusal) -> [(QueueID, [DeviceName])] {
    guard let queueing = request.queueing else { return [] }
    var added: [(QueueID, [DeviceName])] = []
    for start in stride(from: 0, to: devices.count, by: QueueBody.mostDevices) {
      let part = Array(devices[start..<min(start + QueueBody.mostDevices, devices.count)])
      let body = QueueBody(command: command, devices: part, expires_s: queueing.seconds)
      let id = try context.hostA.queueAdd(body)
      try FileStore.append(QueuedHere.line(id, command) + "\n", to: context.paths.queuedHere(host: context.host.name))
      added.append((id, part))
    }
    return added
  }

  private func queuedHere() throws(Refusal) -> QueuedHere {
    QueuedHere(
      parsing: try FileStore.content(of: context.paths.queuedHere(host: context.host.name), limit: 16 << 20) ?? [])
  }

  private func outcome(of device: DeviceName, in queued: [QueueID: [DeviceName]]) -> ExecOutcome {
    guard let id = queued.first(where: { $0.value.contains(device) })?.key else { return ExecOutcome(state: .offline) }
    return ExecOutcome(state: .queued, message: "\(id) in 'fleet queue'")
  }

  // MARK: ssh

  /// Whether this laptop's ssh can say how a command has ended, which its status alone does not.
  private static var sshLogsTheEnd: Bool {
    let arguments = ["ssh", "-F", "none", "-G"] + ExecOutcome.endIsLogged + ["localhost"]
    return (try? Subprocess.run(arguments))?.status == 0
  }

  /// Standard input as a file that each command reads from its beginning.
  private func spool(to path: String) throws(Refusal) -> String {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("cannot read standard input") }
      if count == 0 { return path }
      try file.write(buffer[..<count])
    }
  }
}
