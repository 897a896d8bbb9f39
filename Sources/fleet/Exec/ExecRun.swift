import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs commands on many devices at once: one thread, one `poll`, and what the values decide.
final class ExecRun {
  private let setting: DeviceRun.Setting
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let signals: SignalPipe
  private var schedule: ExecSchedule
  private var report: ExecReport
  private var watch: QueueWatch?
  private var runs: [Int: DeviceRun] = [:]
  /// Programs that were told to end, and since when.
  private var ending: [(process: WatchedProcess, since: ContinuousClock.Instant)] = []
  private var output = OutputQueue(STDOUT_FILENO)
  private var errors = OutputQueue(STDERR_FILENO)
  private var progress: ExecProgress
  private var remarks: Set<String> = []

  /// The signal by which somebody wanted this to end; SIGPIPE where nobody reads our output any more.
  private(set) var interruption: Int32?

  /// How long a program may take to end before it is made to.
  private static let patience = Duration.seconds(2)

  /// Throws `io-failed`.
  init(_ setting: DeviceRun.Setting, schedule: ExecSchedule, report: ExecReport, watch: QueueWatch?) throws(Refusal) {
    self.setting = setting
    (self.schedule, self.report, self.watch) = (schedule, report, watch)
    start = clock.now
    progress = ExecProgress(sharesTerminal: report.outputIsTerminal)
    signals = try SignalPipe([SIGCHLD, SIGINT, SIGTERM, SIGHUP])
  }

  var results: [(job: ExecJob, outcome: ExecOutcome)] { schedule.settled }
  var elapsed: Duration { clock.now - start }
  /// What still waited when HostA was last asked.
  var waiting: [QueuedCommand] {
    (watch?.found?.waiting ?? []).filter { !schedule.knows($0.id, of: $0.device) }
  }

  /// What is to be said of queued commands that were not meant.
  var queueRemark: String? { watch?.found?.remark }

  /// Shows devices for which nothing is to be run.
  func show(_ results: [(job: ExecJob, outcome: ExecOutcome)]) {
    for (job, outcome) in results { emit(report.end(job, outcome)) }
  }

  /// Runs the jobs, and those that the watch finds, to their end. Throws what keeps the watch from looking.
  func run(_ jobs: [ExecJob]) throws(Refusal) {
    var failure: Refusal?
    handle(.added(jobs))
    while !isOver {
      wait()
      takeSignals()
      stepRuns()
      if let watch, !watch.isDone {
        do throws(Refusal) {
          let found = try watch.step(now: clock.now).filter { !schedule.knows($0.queued!, of: $0.device) }
          if !found.isEmpty { handle(.added(found)) }
        } catch {
          failure = error
          watch.stop(SIGTERM)
        }
      }
      schedule.isHeldUp = isHeldUp
      handle(.clock)
      endWhatDoesNot()
      flush()
      progress.show(schedule, elapsed: elapsed)
    }
    progress.clear()
    if let failure { throw failure }
  }

  private var isHeldUp: Bool { output.count + errors.count > OutputQueue.full }

  private var isOver: Bool {
    schedule.isIdle && runs.isEmpty && ending.isEmpty && watch?.isDone ?? true && output.isEmpty && errors.isEmpty
  }

  private func handle(_ event: ExecSchedule.Event) {
    for action in schedule.handle(event, at: clock.now - start) {
      switch action {
      case .begin(let index): begin(index)
      case .stop(let index): runs[index]?.stop()
      case .settle(let index):
        if let outcome = schedule.outcomes[index] { emit(report.end(schedule.jobs[index], outcome)) }
      }
    }
  }

  private func begin(_ index: Int) {
    do throws(Refusal) {
      runs[index] = try DeviceRun(schedule.jobs[index], number: index, setting)
    } catch {
      settle(index, ExecOutcome(error), .no)
    }
  }

  private func settle(_ index: Int, _ outcome: ExecOutcome, _ begun: ExecSchedule.Begun) {
    handle(.ended(index, outcome, begun))
    if let outcome = schedule.outcomes[index] { emit(report.end(schedule.jobs[index], outcome)) }
  }

  private func emit(_ pieces: [ExecReport.Piece]) {
    for piece in pieces {
      if piece.stream == .output { output.add(piece.bytes) } else { errors.add(piece.bytes) }
    }
  }

  private func flush() {
    guard !output.isEmpty || !errors.isEmpty else { return }
    progress.clear()
    output.flush()
    errors.flush()
    if output.isBroken { interrupt(SIGPIPE) }
  }

  // MARK: Waiting

  private var readySet: Set<Int32> = []

  private func wait() {
    let isHeldUp = isHeldUp
    var polled = [pollfd(fd: signals.arrivals.number, events: Int16(POLLIN), revents: 0)]
    for run in runs.values {
      polled += run.descriptors(isHeldUp: isHeldUp).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    }
    polled += (watch?.descriptors ?? []).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    for queue in [output, errors] where !queue.isEmpty {
      polled.append(pollfd(fd: queue.descriptor, events: Int16(POLLOUT), revents: 0))
    }
    let count = poll(&polled, nfds_t(polled.count), timeout_ms)
    readySet = count > 0 ? Set(polled.filter { $0.revents != 0 }.map(\.fd)) : []
  }

  /// How long nothing happens by the passing of time alone; the line that shows how far it has come moves meanwhile.
  private var timeout_ms: Int32 {
    let now = clock.now
    var moments = runs.values.compactMap(\.nextWake) + ending.map { $0.since + Self.patience }
    if let wake = schedule.nextWake(after: now - start) { moments.append(start + wake) }
    if let wake = watch?.nextWake { moments.append(wake) }
    let left = moments.min().map { max(.zero, $0 - now) } ?? .seconds(1)
    return Int32((min(left, .milliseconds(200)) / .milliseconds(1)).rounded(.up))
  }

  private func takeSignals() {
    for number in signals.take() where number != SIGCHLD { interrupt(number) }
  }

  /// The first time ends what is at work, and waits for it; the second time ends all at once.
  private func interrupt(_ number: Int32) {
    guard interruption == nil else {
      if number != SIGPIPE { leaveAtOnce(number) }
      return
    }
    interruption = number
    watch?.stop(SIGTERM)
    handle(.interrupted)
  }

  private func leaveAtOnce(_ number: Int32) -> Never {
    for (index, run) in runs {
      run.stop(SIGKILL)
      run.close().signal(SIGKILL)
      runs[index] = nil
    }
    for (process, _) in ending { process.signal(SIGKILL) }
    progress.clear()
    FileStore.remove(files: FileStore.names(in: setting.folder), in: setting.folder)
    StandardStreams.note("fleet: ended at once; what was begun may go on on the devices")
    exit(128 + number)
  }

  private func stepRuns() {
    let now = clock.now
    for (index, run) in runs {
      run.step(ready: readySet, isHeldUp: isHeldUp, now: now) { stream, bytes in
        emit(report.add(bytes, to: stream, of: run.job))
      }
      guard let end = run.ending else { continue }
      runs[index] = nil
      ending.append((run.close(), now))
      if let remark = run.remark, remarks.insert(remark).inserted { errors.add(Array("fleet: \(remark)\n".utf8)) }
      settle(index, end.outcome, end.begun)
    }
  }

  private func endWhatDoesNot() {
    let now = clock.now
    ending.removeAll { $0.process.look() }
    for (process, since) in ending where now - since > Self.patience { process.signal(SIGKILL) }
  }
}
