import FleetProtocol

/// How a box becomes a device: events, time and randomness in, actions out.
struct EnrollmentMachine: Sendable {
  enum Event: Hashable, Sendable {
    case start
    /// Whether the box's own sshd shows host keys.
    case hostKeys(areKnown: Bool)
    /// What HostA said to `join`, or why it said nothing.
    case answered(Result<Reply, LinkFailure>)
    /// HostA approved the box, and that could not be written down.
    case notWritten(String)
    case networkChanged
    case timePassed
    case stop
  }

  enum Action: Hashable, Sendable {
    case lookForHostKeys
    case dial(endpoint: Int, connectLimit: Duration)
    case close
    /// Writes down that the box is a device.
    case become(Device)
    case finish
  }

  struct Device: Hashable, Sendable {
    let id: DeviceID
    let name: DeviceName
    let port: TCPPort
    let host: HostAddress
  }

  enum State: Hashable, Sendable {
    case looking
    case asking(endpoint: String)
    case pending(DeviceName, until: Monotonic)
    case waiting(why: String, until: Monotonic)
    case approved(DeviceName)
    case stopped
  }

  /// From the first packet until HostA's answer.
  static let dialLimit: Duration = .seconds(60)
  /// At a first boot sshd may come up after the agent, and its keys should be on the list that a person approves.
  static let hostKeyPause: Duration = .seconds(5)
  static let hostKeyTries = 24

  private let endpoints: [String]
  private(set) var state = State.looking
  private var backoff = Backoff()
  private var dialled: Monotonic?
  private var untried: [Int] = []
  private var roundCause = Backoff.Cause.unanswered
  private var hostKeyLooks = 0

  /// `endpoints` are the ways to HostA, as people read them; at least one.
  init(endpoints: [String]) { self.endpoints = endpoints }

  /// When `timePassed` is due.
  var deadline: Monotonic? {
    switch state {
    case .pending(_, let until), .waiting(_, let until): until
    case .asking: dialled.map { $0 + Self.dialLimit }
    case .looking, .approved, .stopped: nil
    }
  }

  mutating func handle(_ event: Event, at now: Monotonic, using random: inout some RandomNumberGenerator) -> [Action] {
    switch (event, state) {
    case (_, .stopped): return []
    case (.stop, _):
      defer { state = .stopped }
      return dialled == nil ? [.finish] : [.close, .finish]
    case (.start, _): return startRound()
    case (.hostKeys(let areKnown), .looking):
      hostKeyLooks += 1
      guard areKnown || hostKeyLooks > Self.hostKeyTries else {
        state = .waiting(why: "the box's own sshd shows no host key yet", until: now + Self.hostKeyPause)
        return []
      }
      return dialNext(now: now)
    case (.answered(let answer), .asking):
      dialled = nil
      return answered(answer, now: now, using: &random)
    case (.notWritten(let reason), .approved(let name)):
      let why = "HostA approved this box as \(name), which cannot be written down: \(reason)"
      return wait(why, after: .turnedAway, now: now, using: &random)
    case (.networkChanged, .waiting) where roundCause == .unanswered: return startRound()
    case (.timePassed, .asking):
      guard let due = deadline, due <= now else { return [] }
      dialled = nil
      return [.close]
        + failed(.failed("no answer within \(Self.dialLimit.components.seconds) s"), now: now, using: &random)
    case (.timePassed, .pending(_, let until)), (.timePassed, .waiting(_, let until)):
      return until <= now ? startRound() : []
    default: return []
    }
  }

  private mutating func startRound() -> [Action] {
    untried = Array(endpoints.indices)
    roundCause = .unanswered
    state = .looking
    return [.lookForHostKeys]
  }

  private mutating func dialNext(now: Monotonic) -> [Action] {
    let endpoint = untried.removeFirst()
    state = .asking(endpoint: endpoints[endpoint])
    dialled = now
    return [.dial(endpoint: endpoint, connectLimit: backoff.connectLimit(now: now))]
  }

  private mutating func answered(
    _ answer: Result<Reply, LinkFailure>, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    switch answer {
    case .failure(let failure): return failed(failure, now: now, using: &random)
    case .success(.refused(let refusal)): return refused(refusal, now: now, using: &random)
    case .success(.ok(let fields)):
      do throws(JSONError) {
        backoff = Backoff()
        switch try JoinReply(fields) {
        case .pending(let name, let retry_s):
          let least = Duration.seconds(retry_s)
          state = .pending(name, until: now + Backoff.uniform(from: least, to: least * 5 / 4, using: &random))
          return []
        case .approved(let id, let name, let port, let host):
          state = .approved(name)
          return [.become(Device(id: id, name: name, port: port, host: host))]
        }
      } catch {
        return wait("HostA's answer is not understood: \(error)", after: .turnedAway, now: now, using: &random)
      }
    }
  }

  private mutating func refused(
    _ refusal: Refusal, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    let why = "HostA does not let this box join: \(refusal.message)"
    switch refusal.code {
    case .enrollmentRejected, .enrollKeyExpired, .enrollKeyUsedUp, .keyTaken, .requestRefused:
      return waitLong(why, now: now, using: &random)
    case .rangeExhausted: return wait(why, after: .turnedAway, now: now, using: &random)
    default: return wait(why, after: .answered, now: now, using: &random)
    }
  }

  private mutating func failed(
    _ failure: LinkFailure, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    if case .keyRefused = failure {
      let why = "HostA does not accept the enroll key: it has expired, or was removed"
      return waitLong(why, now: now, using: &random)
    }
    roundCause = max(roundCause, failure.cause)
    if failure.isOfEndpoint, !untried.isEmpty { return dialNext(now: now) }
    let why = if case .claimFailed(let text) = failure { "HostA did not answer: \(text)" } else { failure.sentence }
    return wait(why, after: roundCause, now: now, using: &random)
  }

  private mutating func wait(
    _ why: String, after cause: Backoff.Cause, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    roundCause = cause
    state = .waiting(why: why, until: now + backoff.delay(after: cause, now: now, using: &random))
    return []
  }

  /// For what only a person changes: about an hour.
  private mutating func waitLong(
    _ why: String, now: Monotonic, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    roundCause = .turnedAway
    let pause = Backoff.uniform(from: .seconds(3000), to: .seconds(4200), using: &random)
    state = .waiting(why: why, until: now + pause)
    return []
  }
}

extension EnrollmentMachine.State {
  /// The state's name in `status --json`.
  var name: String {
    switch self {
    case .looking, .asking: "joining"
    case .pending: "pending"
    case .waiting: "waiting"
    case .approved: "approved"
    case .stopped: "stopped"
    }
  }

  /// What stays the same while only the time passes.
  var topic: String {
    switch self {
    case .looking: "looking for the host keys of the box's own sshd"
    case .asking(let endpoint): "asking \(endpoint) to let this box join"
    case .pending(let name, _): "waits for approval as \(name)"
    case .waiting(let why, _): why
    case .approved(let name): "HostA approved this box as \(name)"
    case .stopped: "stopped"
    }
  }

  func sentence(now: Monotonic) -> String {
    switch self {
    case .pending(_, let until): "\(topic), asks again in \(Self.left(until, now))"
    case .waiting(let why, let until): "waiting \(Self.left(until, now)) because \(why)"
    default: topic
    }
  }

  private static func left(_ until: Monotonic, _ now: Monotonic) -> String {
    let seconds = max(0, (now.duration(to: until).milliseconds + 999) / 1000)
    return seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min"
  }
}
