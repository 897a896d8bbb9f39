import FleetProtocol

/// Asks HostA again and again which queued commands can be run now.
final class QueueWatch {
  private enum Stage {
    case resting(until: ContinuousClock.Instant)
    case queue(HostQuestion)
    case devices(HostQuestion, [QueuedCommand])
    case done
  }

  /// What came of a look.
  struct Found {
    let jobs: [ExecJob]
    /// Of those that are meant, all that still wait.
    let waiting: [QueuedCommand]
    /// What is to be said of others.
    let remark: String?
  }

  private let way: WayToHostA
  private let scope: QueueRound.Scope
  /// Whether it goes on until nothing waits any more.
  private let stays: Bool
  private var stage: Stage
  private(set) var found: Found?
  private var hasComplained = false

  /// How long it rests between two looks.
  private static let rest = Duration.seconds(5)
  /// With more devices than this every one is asked for: a selector of their names would be too long.
  private static let mostNames = 400

  init(way: WayToHostA, scope: QueueRound.Scope, stays: Bool, now: ContinuousClock.Instant) {
    (self.way, self.scope, self.stays) = (way, scope, stays)
    stage = .resting(until: now)
  }

  var isDone: Bool { if case .done = stage { true } else { false } }
  var nextWake: ContinuousClock.Instant? { if case .resting(let until) = stage { until } else { nil } }

  var descriptors: [Int32] {
    switch stage {
    case .queue(let question), .devices(let question, _): question.descriptors
    case .resting, .done: []
    }
  }

  /// Looks no more. A question that is under way is ended.
  func stop(_ number: Int32) {
    switch stage {
    case .queue(let question), .devices(let question, _): question.signal(number)
    case .resting, .done: break
    }
    stage = .done
  }

  /// Goes on as far as it can without waiting; jobs are returned once. Throws HostA's refusal, and what keeps HostA away
  /// at the first look: later ones are repeated.
  func step(now: ContinuousClock.Instant) throws(Refusal) -> [ExecJob] {
    do throws(Refusal) {
      switch stage {
      case .resting(let until): if until <= now { stage = .queue(try HostQuestion(.queue, over: way)) }
      case .queue(let question):
        guard let answer = question.look() else { return [] }
        let entries = try way.hostA.queue(of: try answer.get()).entries
        let names = Set(entries.filter(scope.includes).map(\.device))
        let selector = names.count > Self.mostNames ? [] : names.sorted().map(\.rawValue)
        guard !names.isEmpty else { return settle([], entries, now: now) }
        let body = SelectBody(selector: try DeviceSelector(selector)).line
        stage = .devices(try HostQuestion(.select, body: body, over: way), entries)
      case .devices(let question, let entries):
        guard let answer = question.look() else { return [] }
        let devices = try way.hostA.devices(of: try answer.get()).devices
        let reachable = Set(devices.filter { $0.state != .offline }.map(\.name))
        return settle(QueueRound.jobs(entries, reachable: reachable, scope: scope), entries, now: now)
      case .done: break
      }
    } catch {
      guard stays, found != nil, error.code == .hostUnreachable || error.code == .registryBusy else { throw error }
      if !hasComplained { StandardStreams.note("fleet: \(error.message); trying again") }
      hasComplained = true
      stage = .resting(until: now + Self.rest)
    }
    return []
  }

  private func settle(
    _ jobs: [ExecJob], _ entries: [QueuedCommand], now: ContinuousClock.Instant
  ) -> [ExecJob] {
    let waiting = entries.filter(scope.includes)
    found = Found(jobs: jobs, waiting: waiting, remark: QueueRound.foreignRemark(entries, scope: scope))
    hasComplained = false
    stage = stays && !waiting.isEmpty ? .resting(until: now + Self.rest) : .done
    return jobs
  }
}
