import FleetProtocol
import FleetSSH
import Glibc

/// The agent of a box that is no device yet: asks HostA until somebody has approved the box.
final class EnrollmentLoop {
  private let files: EnrollmentFiles
  private let enrollKey: [UInt8]
  private let boxKey: PublicKey
  private var machine: EnrollmentMachine
  private var random = SystemRandomNumberGenerator()
  private var connection: JoinConnection?
  private var hostKeys: [PublicKey] = []
  private let facts: [String: String]
  private let status: StatusSocket?
  private let notification = ServiceNotification()
  private var signOfLife: SignOfLife
  private let network = NetworkWatch()
  private var log = AgentLog()
  private var loggedTopic: String?
  private var isFinished = false

  /// Throws `configuration-invalid`, `already-running` or `io-failed`.
  init(_ files: EnrollmentFiles) throws(Refusal) {
    self.files = files
    enrollKey = try files.enrollKey()
    switch try StatusSocket.take(files.statusName, owner: files.owner) {
    case .taken(let socket): status = socket
    case .alreadyRunning:
      throw Refusal(.alreadyRunning, "an agent asks to join already", hint: "see it with: fleet-agent status")
    case .squatted: status = nil
    }
    // Only now: another agent may be about to make one.
    boxKey = try files.boxKey(on: HardwareFacts.identity)
    var facts = MachineFacts.read()
    facts["serial"] = HardwareFacts.serial
    facts["mac"] = HardwareFacts.mac
    self.facts = facts
    machine = EnrollmentMachine(
      endpoints: files.configuration.host.endpoints.map { "\($0.address) port \($0.port)" })
    signOfLife = SignOfLife(notification)
  }

  /// Runs until the box is a device, or until SIGTERM or SIGINT. Returns whether it is one.
  func run() -> Bool {
    let terminationDescriptor = Termination.descriptor()
    log.write(.info, "fleet-agent \(FleetVersion.current), libssh2 \(SSHLibrary.version), asks to join")
    notification?.send("READY=1")
    handle(.start)
    var set = PollSet()
    while !isFinished {
      set.removeAll()
      let termination = set.add(terminationDescriptor, POLLIN)
      let asked = status.map { set.add($0.descriptor, POLLIN) }
      let announced = network.map { set.add($0.descriptor, POLLIN) }
      connection?.register(in: &set)
      let deadlines = [machine.deadline, connection?.deadline, signOfLife.deadline].compactMap(\.self)
      set.wait(limit: deadlines.min().map { Monotonic.now.duration(to: $0) })
      if set.isReady(asked, POLLIN) { status?.answer(report.line) }
      if set.isReady(termination, POLLIN) { handle(.stop) }
      if set.isReady(announced, POLLIN), network?.hasChanged() == true { handle(.networkChanged) }
      if let answer = connection?.turn(now: .now) {
        closeConnection()
        handle(.answered(answer))
      }
      if let due = machine.deadline, due <= .now { handle(.timePassed) }
      signOfLife.show(on: notification)
    }
    if case .approved = machine.state { return true }
    notification?.send("STOPPING=1")
    return false
  }

  private func closeConnection() {
    connection?.close()
    connection = nil
  }

  private func handle(_ event: EnrollmentMachine.Event) {
    let actions = machine.handle(event, at: .now, using: &random)
    tell()
    for action in actions { perform(action) }
  }

  private func perform(_ action: EnrollmentMachine.Action) {
    switch action {
    case .lookForHostKeys:
      lookForHostKeys()
      handle(.hostKeys(areKnown: !hostKeys.isEmpty))
    case .dial(let endpoint, let connectLimit):
      let body = JoinBody(key: boxKey, facts: facts, hostKeys: hostKeys)
      connection = JoinConnection(
        files.configuration, endpoint: files.configuration.host.endpoints[endpoint], key: enrollKey, body: body,
        connectLimit: connectLimit, now: .now)
    case .close: closeConnection()
    case .become(let device): become(device)
    case .finish: isFinished = true
    }
  }

  private func lookForHostKeys() {
    guard hostKeys.isEmpty else { return }
    let blobs = try? HostKeyScan.keys(port: files.configuration.sshdPort.rawValue, limit: .seconds(2))
    hostKeys = Array(HostKeyLines.keys(of: blobs ?? []).prefix(Limits.hostKeys))
  }

  private func become(_ device: EnrollmentMachine.Device) {
    do throws(Refusal) {
      try files.become(device, reportHostKeys: hostKeys.isEmpty)
      isFinished = true
    } catch {
      handle(.notWritten(error.message))
    }
  }

  /// Writes a new state to the log and to the service manager, once.
  private func tell() {
    let state = machine.state
    guard state.topic != loggedTopic else { return }
    loggedTopic = state.topic
    notification?.send("STATUS=\(state.topic)")
    switch state {
    case .waiting: log.write(.warning, state.sentence(now: .now), topic: state.topic)
    case .looking, .asking, .pending, .approved, .stopped: log.write(.info, state.topic)
    }
  }

  private var report: EnrollmentReport {
    let state = machine.state
    let name = if case .pending(let name, _) = state { name.rawValue } else { String?.none }
    return EnrollmentReport(
      state: state.name, sentence: state.sentence(now: .now), name: name, key: boxKey.description,
      agentVersion: FleetVersion.current, pid: Int64(getpid()))
  }
}
