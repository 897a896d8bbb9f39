import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One command on one device, from HostA's word that the way is open to the command's end.
///
/// Three programs at most are at work for it: the ssh to HostA that carries the connection, the ssh to the device on top
/// of it, and, for a queued command, the request that takes it or reports how it ended.
final class DeviceRun {
  /// What all runs of one `fleet exec` share.
  struct Setting {
    let way: WayToHostA
    let user: LoginName?
    /// The path of `fleet` itself, which hands connections over.
    let program: String
    /// A private folder for sockets and what ssh writes down.
    let folder: String
    /// The file that each command reads; `nil` for none.
    let input: String?
    let endIsLogged: Bool
  }

  private enum Stage {
    case opening
    case taking(HostQuestion)
    case running(WatchedProcess)
    case reporting(ExecOutcome, HostQuestion)
    /// Before the next try to report.
    case pausing(ExecOutcome, until: ContinuousClock.Instant)
    case done
  }

  let job: ExecJob
  private let setting: Setting
  private let place: String
  private let way: WatchedProcess
  private let connection: Descriptor
  private let complaints: Descriptor
  private var complaintText: [UInt8] = []
  private var accepted: DeviceConnection?
  private var listener: Descriptor?
  private var output: Descriptor?
  private var errors: Descriptor?
  private var stage = Stage.opening
  private var reports = 0
  private var isStopped = false

  /// What came of it, and how far it had got; once it is there, this run is over.
  private(set) var ending: (outcome: ExecOutcome, begun: ExecSchedule.Begun)?
  /// What a person should know that stands in no result.
  private(set) var remark: String?

  /// How often HostA is told how a queued command has ended, until it has answered.
  private static let mostReports = 5

  /// Asks HostA for the way to the device. Throws `tool-missing` or `io-failed`.
  ///
  /// - number: tells its files in the folder from those of others.
  init(_ job: ExecJob, number: Int, _ setting: Setting) throws(Refusal) {
    self.job = job
    self.setting = setting
    place = "\(setting.folder)/\(number)"
    let (near, far) = try Self.socketPair()
    let (complaintEnd, complaint) = try Subprocess.makePipe()
    complaintEnd.setNonBlocking()
    way = try WatchedProcess(
      ExecSSHArguments.hostA(setting.way, request: .connect(job.device)),
      [0: far, 1: far, 2: complaint])
    (connection, complaints) = (near, complaintEnd)
  }

  /// What has to be waited for; `isHeldUp` while the device's output is not wanted.
  func descriptors(isHeldUp: Bool) -> [Int32] {
    var wanted: [Descriptor?] = [complaints]
    switch stage {
    case .opening: wanted.append(connection)
    case .taking(let question), .reporting(_, let question): return question.descriptors
    case .running: wanted += isHeldUp ? [listener] : [listener, output, errors]
    case .pausing, .done: break
    }
    return wanted.compactMap { $0 }.filter(\.isOpen).map(\.number)
  }

  var nextWake: ContinuousClock.Instant? { if case .pausing(_, let until) = stage { until } else { nil } }

  /// Ends what is at work; that it has ended is seen at a later step. What a queued command's end is reported with goes on.
  func stop(_ number: Int32 = SIGTERM) {
    isStopped = true
    switch stage {
    case .opening: way.signal(number)
    case .taking(let question): question.signal(number)
    case .running(let process): process.signal(number)
    case .reporting(_, let question): if number == SIGKILL { question.signal(number) }
    case .pausing, .done: break
    }
  }

  /// Goes on as far as it can without waiting. `emit` gets what the device has written.
  func step(
    ready: Set<Int32>, isHeldUp: Bool, now: ContinuousClock.Instant,
    emit: (ExecReport.Stream, ArraySlice<UInt8>) -> Void
  ) {
    complaints.drain(into: &complaintText, limit: 8192)
    do throws(Refusal) {
      switch stage {
      case .opening: try stepOpening()
      case .taking(let question): try stepTaking(question)
      case .running(let process): stepRunning(process, ready: ready, isHeldUp: isHeldUp, emit: emit)
      case .reporting(let outcome, let question): stepReporting(outcome, question, now: now)
      case .pausing(let outcome, let until): if until <= now || isStopped { report(outcome) }
      case .done: break
      }
    } catch {
      finish(ExecOutcome(error), Self.isPassing(error) ? .notYet : .no)
    }
  }

  /// Gives up the connection and every file. Returns the program that may still have to end.
  func close() -> WatchedProcess {
    for descriptor in [connection, complaints, listener, output, errors] { descriptor?.close() }
    unlink("\(place).s")
    unlink("\(place).log")
    // After a command's own end it ends by itself, so that HostA's log has the whole of it.
    if !(ending?.outcome.isOwnEnd ?? false) { way.signal(SIGTERM) }
    return way
  }

  private static func socketPair() throws(Refusal) -> (near: Descriptor, far: Descriptor) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0 else { throw .system("cannot make a socket") }
    let (near, far) = (Descriptor(ends[0]), Descriptor(ends[1]))
    near.setCloseOnExec()
    far.setCloseOnExec()
    return (near, far)
  }

  private func finish(_ outcome: ExecOutcome, _ begun: ExecSchedule.Begun) {
    ending = (outcome, begun)
    if job.queued != nil, begun != .yes, !isStopped, outcome.state != .offline, let message = outcome.message {
      remark = "\(job.label) is not run now: \(message)"
    }
    stage = .done
  }

  /// HostA may be too busy at this moment for one more login.
  private static func isPassing(_ refusal: Refusal) -> Bool {
    refusal.code == .hostUnreachable || refusal.code == .registryBusy
  }

  private func stepOpening() throws(Refusal) {
    guard hasAnswer else { return }
    let hostA = setting.way.hostA
    guard let line = try DeviceConnection.headerLine(connection) else {
      guard way.look() else { return }
      complaints.drain(into: &complaintText, limit: 8192)
      throw SSHFailure.refusal(
        host: hostA.host, exitStatus: way.exitStatus ?? 255, errorText: String(decoding: complaintText, as: UTF8.self))
    }
    accepted = try DeviceConnection.accept(job.device, line, connection, host: hostA.host, paths: hostA.paths)
    // The way is open before a queued command is taken: one that is taken and then not run is lost.
    if let id = job.queued {
      stage = .taking(try HostQuestion(.queueTake(id, job.device), over: setting.way))
    } else {
      try begin()
    }
  }

  /// Whether HostA's first line is there as a whole, or no more of it will come.
  private var hasAnswer: Bool {
    var buffer = [UInt8](repeating: 0, count: Limits.line + 1)
    let count = recv(connection.number, &buffer, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    if count < 0 { return errno != EAGAIN && errno != EINTR }
    return count == 0 || count > Limits.line || buffer[..<count].contains(UInt8(ascii: "\n"))
  }

  private func stepTaking(_ question: HostQuestion) throws(Refusal) {
    guard let answer = question.look() else { return }
    let fields = try answer.get().fields
    // From here on it counts as run.
    guard (try? fields.string("command", limit: QueueBody.longestCommand)) == job.command else {
      let message = "HostA handed out another command than it had listed: nothing was run"
      return finish(ExecOutcome(state: .unreachable, message: message), .yes)
    }
    do throws(Refusal) { try begin() } catch { finish(ExecOutcome(error), .yes) }
  }

  private func begin() throws(Refusal) {
    guard let accepted else { return }
    let listener = try DescriptorHandover.listener(at: "\(place).s")
    let (outputEnd, output) = try Subprocess.makePipe()
    let (errorEnd, errors) = try Subprocess.makePipe()
    for end in [outputEnd, errorEnd, listener] { end.setNonBlocking() }
    let hostA = setting.way.hostA
    let arguments = ExecSSHArguments.device(
      job, user: setting.user ?? accepted.header.user,
      pins: DevicePins(of: job.device, host: hostA.host, paths: hostA.paths).path,
      proxy: DeviceSSHArguments.adoption(program: setting.program, socket: "\(place).s"), log: "\(place).log",
      endIsLogged: setting.endIsLogged)
    let input = try Descriptor.open(setting.input ?? "/dev/null", O_RDONLY)
    stage = .running(try WatchedProcess(arguments, [0: input, 1: output, 2: errors]))
    (self.listener, self.output, self.errors) = (listener, outputEnd, errorEnd)
  }

  private func stepRunning(
    _ process: WatchedProcess, ready: Set<Int32>, isHeldUp: Bool, emit: (ExecReport.Stream, ArraySlice<UInt8>) -> Void
  ) {
    if let listener, ready.contains(listener.number), DescriptorHandover.pass(connection, at: listener) {
      // ssh alone holds it now, so that its far side sees when that ends.
      connection.close()
      listener.close()
      self.listener = nil
    }
    let isDone = process.look()
    // What is in the pipes after the end is little, and belongs to it.
    if isDone || !isHeldUp {
      for (descriptor, stream) in [(output, ExecReport.Stream.output), (errors, .errors)] {
        guard let descriptor, isDone || ready.contains(descriptor.number) else { continue }
        descriptor.readOnce(untilEmpty: isDone) { emit(stream, $0) }
      }
    }
    guard isDone else { return }
    let log = (try? FileStore.content(of: "\(place).log")).flatMap { $0 } ?? []
    let outcome = ExecOutcome(
      sshStatus: process.exitStatus, log: String(decoding: log, as: UTF8.self), device: job.device)
    if job.queued != nil, outcome.isOwnEnd {
      report(outcome)
    } else {
      finish(outcome, .yes)
    }
  }

  private func report(_ outcome: ExecOutcome) {
    guard let id = job.queued else { return }
    reports += 1
    let body = QueueDoneBody(status: Int64(outcome.status ?? 255)).line
    do throws(Refusal) {
      stage = .reporting(
        outcome, try HostQuestion(.queueDone(id, job.device), body: body, over: setting.way))
    } catch {
      giveUpReporting(outcome, error)
    }
  }

  private func stepReporting(_ outcome: ExecOutcome, _ question: HostQuestion, now: ContinuousClock.Instant) {
    switch question.look() {
    case nil: return
    case .success?: finish(outcome, .yes)
    case .failure(let refusal)?:
      if Self.isPassing(refusal), reports < Self.mostReports, !isStopped {
        stage = .pausing(outcome, until: now + .seconds(1 << reports))
      } else {
        giveUpReporting(outcome, refusal)
      }
    }
  }

  private func giveUpReporting(_ outcome: ExecOutcome, _ refusal: Refusal) {
    var outcome = outcome
    outcome.message = "HostA was not told that it has run, and lists it as taken: \(refusal.message)"
    remark = "\(job.label): \(outcome.message ?? "")"
    finish(outcome, .yes)
  }
}

extension Descriptor {
  /// Reads what is there, once or until nothing is; closes at the end.
  fileprivate func readOnce(untilEmpty: Bool, _ emit: (ArraySlice<UInt8>) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while isOpen {
      let count = read(number, &buffer, buffer.count)
      if count > 0 {
        emit(buffer[..<count])
        if !untilEmpty { return }
      } else if count < 0, errno == EINTR {
        continue
      } else {
        if count == 0 || errno != EAGAIN { close() }
        return
      }
    }
  }
}
