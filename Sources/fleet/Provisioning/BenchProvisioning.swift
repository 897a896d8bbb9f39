import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet provision NAME --to BOX`: everything over the person's own ssh to a box on the bench.
struct BenchProvisioning {
  let request: LeaseRequest
  let device: DeviceName
  let target: BoxTarget
  /// The account that `fleet ssh` logs in as; `nil` takes the bench connection's.
  let user: LoginName?
  /// The port of the box's sshd; `nil` takes the bench connection's.
  let sshdPort: TCPPort?
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  /// Whether to install for the bench account alone even when it is root.
  let asUser: Bool
  let hostA: HostRequest
  let files: DeviceFiles

  /// How long a freshly started agent may take to show up.
  private static let onlineLimit = Duration.seconds(60)

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let clock = ContinuousClock()
    let start = clock.now
    let reporter = StepReporter(.bench, device: device)
    try reporter.perform(.askHostA) { () throws(Refusal) in
      let answer = try hostA.version()
      return ((), "\(hostA.host.address) knows you as \(answer.operatorName)")
    }
    let box = try reporter.perform(.reachBox) { () throws(Refusal) in
      (try BoxConnection(target), target.description)
    }
    let facts = try reporter.perform(.inspectBox) { () throws(Refusal) in try inspect(box) }
    try reporter.perform(.copyAgent) { () throws(Refusal) in ((), try copyAgent(box, facts)) }
    let key = try reporter.perform(.makeKey) { () throws(Refusal) in
      let text = try box.run(BoxScript.keygen(facts, device: device))
      guard let key = Self.keys(in: text).first else {
        throw Refusal(.stepFailed, "the agent on the box did not print its key")
      }
      return (key, "it stays on the box")
    }
    let sshdPort = sshdPort ?? facts.sshdPort
    let hostKeys = try reporter.perform(.readHostKeys) { () throws(Refusal) in
      let keys = Self.keys(in: try box.run(BoxScript.hostKeys(facts, port: sshdPort)))
      guard !keys.isEmpty else {
        throw Refusal(
          .stepFailed, "the box's sshd on port \(sshdPort) shows no host key", hint: "give its port with --sshd-port")
      }
      return (keys, "\(keys.count) of the sshd on port \(sshdPort)")
    }
    let lease = try reporter.perform(.lease) { () throws(Refusal) in
      let body = ProvisionBody(key: key, user: user ?? facts.user, tags: [:], hostKeysFromFirstClaim: false)
      let lease = try request.ask(hostA, device, body)
      return (lease, "\(lease.port) on HostA" + request.remark(lease))
    }
    try reporter.perform(.enroll) { () throws(Refusal) in
      ((), try hostA.enroll(device, hostKeys: hostKeys) ? "" : "as before")
    }
    try reporter.perform(.configure) { () throws(Refusal) in
      try configure(box, facts, lease, sshdPort)
      return ((), "")
    }
    try reporter.perform(.install) { () throws(Refusal) in ((), try install(box, facts)) }
    try reporter.perform(.awaitOnline) { () throws(Refusal) in
      try awaitOnline(box, facts)
      return ((), "\(device) is online")
    }
    _ = try? box.run(BoxScript.removeStage(facts))
    let seconds = (clock.now - start).components.seconds
    StandardStreams.note("\(device) is ready after \(seconds) s; now: fleet ssh \(device)")
  }

  private func inspect(_ box: BoxConnection) throws(Refusal) -> (BoxFacts, String) {
    let script = try files.content(of: "probe.sh")
    let arguments = [device.rawValue, asUser ? "user" : "auto"]
    let facts = try BoxFacts(parsing: try box.run(BoxScript.fromInput(arguments), input: .bytes(script)))
    var detail = "\(facts.user) on \(facts.machine), "
    detail += facts.services == "none" ? "neither systemd nor cron" : facts.services
    if let present = facts.presentDevice, present != device.rawValue {
      detail += "; it was \(present) until now"
    }
    return (facts, detail)
  }

  private func copyAgent(_ box: BoxConnection, _ facts: BoxFacts) throws(Refusal) -> String {
    let agent = try AgentBinary.find(given: agent, machine: facts.machine)
    let checksum = try agent.checksum()
    if facts.stagedChecksum == checksum { return "it is there already" }
    if facts.installedChecksum == checksum {
      try box.run(BoxScript.copy(facts.binary, to: "fleet-agent", in: facts.stage))
      return "it is installed already"
    }
    try box.run(BoxScript.write("fleet-agent", in: facts.stage, mode: "755"), input: .file(agent.path))
    return "\(agent.machine), \(checksum.split(separator: " ").last.map { DeviceDetails.bytes(Int64($0) ?? 0) } ?? "")"
  }

  private func configure(
    _ box: BoxConnection, _ facts: BoxFacts, _ lease: ProvisionReply, _ sshdPort: TCPPort
  ) throws(Refusal) {
    let configuration = AgentConfiguration(
      device: lease.device, name: device, port: lease.port, host: lease.host, keyFile: "id_ed25519",
      sshdPort: sshdPort, reportHostKeys: false)
    try box.run(
      BoxScript.write("agent.json", in: facts.stage, mode: "600"), input: .bytes(Array(configuration.text.utf8)))
    for name in DeviceFiles.names {
      try box.run(BoxScript.write(name, in: facts.stage, mode: "600"), input: .bytes(try files.content(of: name)))
    }
  }

  /// Shows every action of the script; a box on which nothing starts the agent after a reboot is worth a warning.
  private func install(_ box: BoxConnection, _ facts: BoxFacts) throws(Refusal) -> String {
    let outcome = try box.outcome(of: BoxScript.install(facts, asUser: asUser))
    for line in outcome.text.split(whereSeparator: \.isNewline) {
      StandardStreams.note("    \(DisplayText.escaped(line, limit: 200))")
    }
    switch outcome.status {
    case 0: return ""
    case 3:
      for line in outcome.errorText.split(whereSeparator: \.isNewline) {
        StandardStreams.note("    \(DisplayText.escaped(line, limit: 200))")
      }
      return "it runs, but nothing starts it after a reboot"
    default:
      throw Refusal(
        .stepFailed, LastLine.of(outcome.errorText) ?? "install.sh ended with status \(outcome.status)",
        hint: "mend that on the box")
    }
  }

  private func awaitOnline(_ box: BoxConnection, _ facts: BoxFacts) throws(Refusal) {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.onlineLimit
    while try !isOnline() {
      try StepReporter.stopIfInterrupted()
      guard clock.now < deadline else {
        let status = try box.outcome(of: BoxScript.agentStatus(facts))
        let said = LastLine.of(status.text) ?? LastLine.of(status.errorText)
        throw Refusal(
          .stepFailed,
          "\(device) did not come online within \(Self.onlineLimit.components.seconds) s"
            + (said.map { "; the agent says: \($0)" } ?? ""),
          hint: "on the box, see 'fleet-agent status', and whether it can reach HostA")
      }
      usleep(500_000)
    }
  }

  /// Whether HostA calls the device online, or cannot tell. A question that did not get through is asked again.
  private func isOnline() throws(Refusal) -> Bool {
    do throws(Refusal) {
      return [.online, .unknown].contains(try hostA.show(device).device.state)
    } catch {
      guard error.code == .hostUnreachable else { throw error }
      return false
    }
  }

  /// The public keys in what a box printed, whatever else its start-up files say.
  static func keys(in text: String) -> [PublicKey] {
    var keys: [PublicKey] = []
    for line in text.split(whereSeparator: \.isNewline) {
      if let key = try? PublicKey(parsing: line), !keys.contains(key) { keys.append(key) }
    }
    return Array(keys.prefix(Limits.hostKeys))
  }
}
