import FleetProtocol
import FleetSSH
import Glibc

/// The agent at work: one thread, one poll. It carries out what the machine decides and tells it what happened.
final class AgentLoop {
  private let file: ConfigurationFile
  private var identity: DeviceIdentity
  private var keys: DeviceKeys
  private var rotation: KeyRotation
  private var machine: TunnelMachine
  private var random = SystemRandomNumberGenerator()
  private var links: [Link] = []
  /// Where HostA was found last, for each endpoint: for the time when no name server answers. Nothing goes to the disk.
  private var lastGood: [Int: SocketAddress] = [:]
  private let status: StatusSocket?
  private let notification = ServiceNotification()
  private let terminationDescriptor = Termination.descriptor()
  private let network = NetworkWatch()
  /// `nil` where HostA has the keys of the device's own sshd, or they are known here.
  private var hostKeyLearning: HostKeyLearning?
  private var log = AgentLog()
  private var loggedState: TunnelState?
  private var reportedSSHD: ReportBody.DeviceSSHD?
  private var isFinished = false
  private var signOfLife: SignOfLife

  /// Throws `configuration-invalid`, `already-running` or `io-failed`.
  init(_ file: ConfigurationFile) throws(Refusal) {
    self.file = file
    let configuration = file.configuration
    let keys = try DeviceKeys(file)
    self.keys = keys
    rotation = KeyRotation(hasNext: keys.nextPublicKey != nil)
    identity = DeviceIdentity(
      configuration, keys: keys.offered,
      claim: ClaimBody(
        agentVersion: FleetVersion.current, bootID: MachineFacts.bootID(), keepalive_s: configuration.keepalive_s,
        profile: configuration.profile, facts: MachineFacts.read(), hostKeys: []))
    if configuration.reportHostKeys { hostKeyLearning = HostKeyLearning(port: configuration.sshdPort) }
    machine = TunnelMachine(
      endpoints: configuration.host.endpoints.map { "\($0.address) port \($0.port)" }, profile: configuration.profile,
      now: .now)
    signOfLife = SignOfLife(notification)
    switch try StatusSocket.take(configuration.device.rawValue, owner: file.owner) {
    case .taken(let socket): status = socket
    case .alreadyRunning:
      throw Refusal(.alreadyRunning, "an agent for this device runs already", hint: "see it with: fleet-agent status")
    case .squatted(let uid):
      status = nil
      log.write(.warning, "user \(uid) holds the name of the status socket: fleet-agent status will not work")
    }
  }

  /// Runs until SIGTERM or SIGINT.
  func run() {
    log.write(
      .info, "fleet-agent \(FleetVersion.current) for \(file.configuration.name), libssh2 \(SSHLibrary.version)")
    notification?.send("READY=1")
    handle(.start)
    var set = PollSet()
    while !isFinished {
      set.removeAll()
      let termination = set.add(terminationDescriptor, POLLIN)
      let asked = status.map { set.add($0.descriptor, POLLIN) }
      let announced = network.map { set.add($0.descriptor, POLLIN) }
      for link in links { link.register(in: &set) }
      hostKeyLearning?.register(in: &set)
      set.wait(limit: deadline.map { Monotonic.now.duration(to: $0) })
      if set.isReady(asked, POLLIN) { status?.answer(report.line) }
      if set.isReady(termination, POLLIN) { handle(.stop) }
      if set.isReady(announced, POLLIN), network?.hasChanged() == true { handle(.networkChanged) }
      for link in links {
        for event in link.turn(set, now: .now) { handle(event) }
      }
      if let outcome = hostKeyLearning?.turn(set, now: .now) { noteHostKeys(outcome) }
      if let due = machine.deadline, due <= .now { handle(.timePassed) }
      if let due = rotation.deadline, due <= .now { rotateKey(.timePassed) }
      signOfLife.show(on: notification)
    }
    notification?.send("STOPPING=1")
  }

  private var deadline: Monotonic? {
    let now = Monotonic.now
    let ours = Monotonic.earliest(.earliest(machine.deadline, rotation.deadline), hostKeyLearning?.deadline)
    return links.reduce(.earliest(ours, signOfLife.deadline)) { .earliest($0, $1.deadline(now: now)) }
  }

  private func handle(_ event: TunnelEvent) {
    if case .canary(let id, .proved(let sshd?)) = event { noteSSHD(sshd, by: id) }
    if case .claimed(let id, _) = event { noteAddress(of: id) }
    for action in machine.handle(event, at: .now, using: &random) { perform(action) }
    links.removeAll { link in !machine.links.contains { $0.id == link.id } }
    tell()
    followRotation(event)
  }

  private func perform(_ action: TunnelAction) {
    let now = Monotonic.now
    switch action {
    case .dial(let id, let endpoint, let connectLimit):
      links.append(
        Link(
          id: id, endpoint: file.configuration.host.endpoints[endpoint], identity: identity, connectLimit: connectLimit,
          lastGood: lastGood[endpoint], now: now))
    case .check(let id): links.first { $0.id == id }?.check(now: now)
    case .probe(let id): links.first { $0.id == id }?.probe(now: now)
    case .report(let id, let sshd): links.first { $0.id == id }?.report(ReportBody(sshd: sshd), now: now)
    case .close(let id): links.first { $0.id == id }?.close()
    case .finish: isFinished = true
    }
  }

  // MARK: The device's key

  private func followRotation(_ event: TunnelEvent) {
    if case .answered(let id, let answer) = event {
      rotateKey(.answered(id, answer, channels: links.first { $0.id == id }?.channelCount ?? 0))
    }
    let up = machine.links.first { $0.phase == .up }?.id
    guard up != rotation.tunnel?.id else { return }
    let link = links.first { $0.id == up }
    let tunnel = link.map {
      KeyRotation.Tunnel(id: $0.id, key: $0.acceptedKey ?? .current, isWanted: $0.claim?.rotateKey ?? false)
    }
    rotateKey(.tunnel(tunnel))
  }

  private func rotateKey(_ event: KeyRotation.Event) {
    for action in rotation.handle(event, at: .now, using: &random) { perform(action) }
  }

  private func perform(_ action: KeyRotation.Action) {
    do throws(Refusal) {
      switch action {
      case .make:
        try keys.makeNext()
        identity.keys = keys.offered
        rotateKey(.made)
      case .ask(let id):
        guard let key = keys.nextPublicKey else { return }
        links.first { $0.id == id }?.ask(.rotateKey, RotateKeyBody(key: key).line, now: .now)
      case .renew: handle(.renew)
      case .install:
        try keys.install()
        identity.keys = keys.offered
        rotateKey(.installed)
      case .discard:
        try keys.discardNext()
        identity.keys = keys.offered
      case .tell(let sentence): log.write(.info, sentence)
      case .warn(let sentence): log.write(.warning, sentence)
      }
    } catch {
      switch action {
      case .make: rotateKey(.notMade(error.message))
      case .install: rotateKey(.notInstalled(error.message))
      default: log.write(.warning, error.message)
      }
    }
  }

  /// Told to HostA by a report where a tunnel stands, and with the claim of every later one.
  private func noteHostKeys(_ outcome: HostKeyLearning.Outcome) {
    switch outcome {
    case .learned(let keys):
      hostKeyLearning = nil
      identity.claim.hostKeys = keys
      for link in links { link.report(hostKeys: keys, now: .now) }
    case .failed(let reason): log.write(.warning, "the device's own sshd shows no host key: \(reason)")
    }
  }

  private func noteAddress(of id: LinkID) {
    guard let endpoint = machine.links.first(where: { $0.id == id })?.endpoint else { return }
    lastGood[endpoint] = links.first { $0.id == id }?.remoteAddress
  }

  private func noteSSHD(_ sshd: ReportBody.DeviceSSHD, by id: LinkID) {
    if sshd == .up {
      hostKeyLearning?.begin(now: .now)
      // Keys may have been learned between this connection's claim and its forward.
      links.first { $0.id == id }?.report(hostKeys: identity.claim.hostKeys, now: .now)
    }
    guard reportedSSHD != sshd else { return }
    if sshd == .down {
      log.write(.warning, "the device's own sshd on port \(identity.sshdPort) does not answer; the tunnel is up")
    } else if reportedSSHD == .down {
      log.write(.info, "the device's own sshd answers again")
    }
    reportedSSHD = sshd
  }

  /// Writes a new state to the log and to the service manager, once.
  private func tell() {
    let state = machine.state
    guard state != loggedState else { return }
    let wasSilent = if case .silent? = loggedState { true } else { false }
    loggedState = state
    let sentence = state.sentence(now: .now)
    notification?.send("STATUS=\(sentence)")
    switch state {
    case .waiting(_, let why): log.write(.warning, sentence, topic: why.sentence)
    case .up:
      // What is said after a new connection is news; a slow line comes and goes.
      if !wasSilent { log.reset() }
      log.write(.info, sentence)
    case .silent: log.write(.warning, sentence)
    case .dialling, .stopped: log.write(.info, sentence)
    }
  }

  private var report: StatusReport {
    let link = machine.links.max { $0.phase < $1.phase }
    let connection = links.first { $0.id == link?.id }
    let traffic = connection?.traffic ?? (received: 0, sent: 0)
    let age = machine.since.duration(to: .now).components.seconds
    let endpoint = link.map { file.configuration.host.endpoints[$0.endpoint] }
    return StatusReport(
      name: file.configuration.name.rawValue, device: file.configuration.device.rawValue,
      agentVersion: FleetVersion.current, pid: Int64(getpid()), state: machine.state.name,
      sentence: machine.state.sentence(now: .now), since: Timestamp(seconds: Timestamp.now.seconds - age),
      endpoint: endpoint.map { "\($0.address) port \($0.port)" }, remoteAddress: connection?.remoteAddress?.description,
      port: Int64((connection?.claim?.port ?? file.configuration.port).rawValue),
      channels: Int64(connection?.channelCount ?? 0), bytesReceived: traffic.received, bytesSent: traffic.sent,
      tries: Int64(machine.tries), lastError: machine.lastFailure?.sentence, sshd: reportedSSHD?.rawValue,
      key: rotation.sentence)
  }
}
