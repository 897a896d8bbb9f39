import FleetProtocol

/// One command for one device.
struct ExecJob: Hashable {
  let device: DeviceName
  let command: String
  /// What it is called in HostA's queue, for one that waited there.
  var queued: QueueID?

  /// How it is called where several commands of a device may stand.
  var label: String { queued.map { "\(device) (\($0))" } ?? device.rawValue }
}

/// Whose turn it is: events in, actions out.
///
/// At most `limit` jobs are at work, one of each device, a device's jobs in their order.
struct ExecSchedule {
  enum Event {
    case added([ExecJob])
    case ended(Int, ExecOutcome, Begun)
    /// Somebody wants this to end.
    case interrupted
    /// Time has passed.
    case clock
  }

  /// Whether a job that has ended had got as far as the command.
  enum Begun {
    case yes, no
    /// No, and the reason may be gone in a moment.
    case notYet
  }

  /// Jobs are named by their place in `jobs`.
  enum Action: Hashable {
    case begin(Int)
    /// End it; that it has ended comes as an event.
    case stop(Int)
    /// It will not be begun any more.
    case settle(Int)
  }

  private struct Waiting {
    let job: Int
    var notBefore: Duration = .zero
  }

  private struct Work {
    /// Why it was told to stop.
    var stopped: ExecOutcome.State?
  }

  /// How often a way to a device is asked for that did not open, and the pause before the next time, which grows.
  private static let mostTries = 3
  private static let pause = Duration.seconds(1)

  let limit: Int
  /// How long one job may take from the moment it is first begun.
  let timeout: Duration?
  /// While it is set nothing is begun.
  var isHeldUp = false

  private(set) var jobs: [ExecJob] = []
  /// `nil` for one that waits or is at work, and for one that is left to the queue.
  private(set) var outcomes: [ExecOutcome?] = []
  private var begun: [Int: Duration] = [:]
  private var tries: [Int: Int] = [:]
  private var waiting: [Waiting] = []
  private var atWork: [Int: Work] = [:]
  private var isInterrupted = false

  init(limit: Int, timeout: Duration?) {
    self.limit = limit
    self.timeout = timeout
  }

  var isIdle: Bool { waiting.isEmpty && atWork.isEmpty }
  var countAtWork: Int { atWork.count }

  /// The jobs that have an outcome.
  var settled: [(job: ExecJob, outcome: ExecOutcome)] {
    zip(jobs, outcomes).compactMap { job, outcome in outcome.map { (job, $0) } }
  }

  /// Whether a queued command is waiting or at work here, or was run here.
  func knows(_ id: QueueID, of device: DeviceName) -> Bool {
    jobs.indices.contains { index in
      guard jobs[index].queued == id, jobs[index].device == device else { return false }
      return outcomes[index] != nil || atWork[index] != nil || waiting.contains { $0.job == index }
    }
  }

  mutating func handle(_ event: Event, at now: Duration) -> [Action] {
    var actions: [Action] = []
    switch event {
    case .added(let added):
      waiting += added.indices.map { Waiting(job: jobs.count + $0 - added.startIndex) }
      jobs += added
      outcomes += added.map { _ in nil }
    case .ended(let job, let outcome, let begun): end(job, outcome, begun, at: now)
    case .interrupted:
      isInterrupted = true
      for job in waiting.map(\.job) {
        outcomes[job] = ExecOutcome(state: .notRun)
        actions.append(.settle(job))
      }
      waiting = []
      actions += stop(atWork.keys.sorted(), as: .interrupted)
    case .clock: break
    }
    actions += stop(overdue(at: now), as: .timedOut)
    return actions + beginWhatMay(at: now)
  }

  /// When something changes by the passing of time alone.
  func nextWake(after now: Duration) -> Duration? {
    var moments = atWork.filter { $0.value.stopped == nil }.keys.compactMap { deadline(of: $0) }
    moments += waiting.compactMap { $0.notBefore > now ? $0.notBefore : nil }
    return moments.min()
  }

  private func deadline(of job: Int) -> Duration? {
    guard let timeout, let begun = begun[job] else { return nil }
    return begun + timeout
  }

  private func overdue(at now: Duration) -> [Int] {
    atWork.keys.filter { job in deadline(of: job).map { $0 <= now } ?? false }.sorted()
  }

  private mutating func stop(_ jobs: [Int], as reason: ExecOutcome.State) -> [Action] {
    let running = jobs.filter { atWork[$0]?.stopped == nil }
    for job in running { atWork[job]?.stopped = reason }
    return running.map { .stop($0) }
  }

  private mutating func end(_ job: Int, _ outcome: ExecOutcome, _ progress: Begun, at now: Duration) {
    guard let work = atWork.removeValue(forKey: job) else { return }
    let tried = tries[job, default: 1]
    if progress == .notYet, work.stopped == nil, tried < Self.mostTries {
      tries[job] = tried + 1
      waiting.append(Waiting(job: job, notBefore: now + Self.pause * tried))
      return
    }
    // A later command never runs before an earlier one that still waits.
    if !outcome.isOwnEnd {
      waiting.removeAll { jobs[$0.job].device == jobs[job].device }
    }
    // What was not begun waits at HostA as before, and may come again.
    if jobs[job].queued != nil, progress != .yes {
      begun[job] = nil
      return
    }
    var outcome = outcome
    // What ended by itself in the moment it was told to, has ended by itself.
    if let reason = work.stopped, !outcome.isOwnEnd {
      outcome =
        switch (reason, progress) {
        case (.interrupted, .no), (.interrupted, .notYet): ExecOutcome(state: .notRun)
        case (_, .yes): ExecOutcome(state: reason)
        default: ExecOutcome(state: reason, message: "the command was not begun")
        }
    }
    outcome.duration = now - (begun[job] ?? now)
    outcomes[job] = outcome
  }

  private mutating func beginWhatMay(at now: Duration) -> [Action] {
    guard !isInterrupted, !isHeldUp else { return [] }
    var actions: [Action] = []
    var busy = Set(atWork.keys.map { jobs[$0].device })
    var index = 0
    while atWork.count < limit, index < waiting.count {
      let next = waiting[index]
      guard next.notBefore <= now, busy.insert(jobs[next.job].device).inserted else {
        busy.insert(jobs[next.job].device)
        index += 1
        continue
      }
      waiting.remove(at: index)
      atWork[next.job] = Work()
      if begun[next.job] == nil { begun[next.job] = now }
      actions.append(.begin(next.job))
    }
    return actions
  }
}
