import FleetProtocol

/// `fleet provision NAME --to BOX`: everything over the person's own ssh to a box on the bench.
struct BenchProvisioning {
  let request: LeaseRequest
  let device: DeviceName
  let target: BoxTarget
  /// The account that `fleet ssh` logs in as; `nil` takes the bench connection's.
  let user: LoginName?
  /// The port of the box's sshd; `nil` takes the bench connection's.
  let sshdPort: TCPPort?
  let tags: [String: String]
  let profile: TrafficProfile
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  /// Whether to install for the bench account alone even when it is root.
  let asUser: Bool
  let hostA: HostRequest
  let files: DeviceFiles

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let clock = ContinuousClock()
    let start = clock.now
    let reporter = StepReporter(.bench, device: device)
    let setup = try reachAndInspect(reporter)
    try reporter.perform(.copyAgent) { () throws(Refusal) in ((), try setup.copyAgent()) }
    let key = try reporter.perform(.makeKey) { () throws(Refusal) in (try setup.makeKey(), "it stays on the box") }
    let hostKeys = try reporter.perform(.readHostKeys) { () throws(Refusal) in
      let keys = try setup.readHostKeys()
      return (keys, "\(keys.count) of the sshd on port \(setup.sshdPort)")
    }
    let user = user ?? setup.facts.user
    let lease = try reporter.perform(.lease) { () throws(Refusal) in
      let body = ProvisionBody(key: key, user: user, tags: tags, hostKeysFromFirstClaim: false)
      let lease = try request.ask(hostA, device, body)
      return (lease, "\(lease.port) on HostA" + request.remark(lease))
    }
    try reporter.perform(.enroll) { () throws(Refusal) in
      ((), try hostA.enroll(device, hostKeys: hostKeys) ? "" : "as before")
    }
    try reporter.perform(.configure) { () throws(Refusal) in ((), try setup.configure(lease, profile)) }
    try reporter.perform(.install) { () throws(Refusal) in ((), try setup.install()) }
    let online = try reporter.perform(.awaitOnline) { () throws(Refusal) in
      try OnlineWait(device: device, hostA: hostA, setup: setup).run()
      let time = clock.now - start
      return (time, "\(device) is online, \(Self.seconds(time)) after the start")
    }
    let remark = try reporter.perform(.reachThroughHostA) { () throws(Refusal) in
      let proof = try Rehearsal(device: device, hostA: hostA, benchKeys: hostKeys).run()
      return (proof.remark(user: user, target: target), proof.sentence(device: device))
    }
    if let remark { StandardStreams.note("    " + remark) }
    setup.tidyUp()
    StandardStreams.note(
      "\(device) is ready: online after \(Self.seconds(online)), all done after \(Self.seconds(clock.now - start)); "
        + "now: fleet ssh \(device)")
  }

  /// The steps that only read: HostA answers, the box is reached and looked at.
  func reachAndInspect(_ reporter: StepReporter) throws(Refusal) -> BoxSetup {
    try reporter.perform(.askHostA) { () throws(Refusal) in
      let answer = try hostA.version()
      return ((), "\(hostA.host.address) knows you as \(answer.operatorName)")
    }
    let box = try reporter.perform(.reachBox) { () throws(Refusal) in
      (try BoxConnection(target), target.description)
    }
    return try reporter.perform(.inspectBox) { () throws(Refusal) in
      let script = try files.content(of: "probe.sh")
      let arguments = [device.rawValue, asUser ? "user" : "auto"]
      let facts = try BoxFacts(parsing: try box.run(BoxScript.fromInput(arguments), input: .bytes(script)))
      let setup = BoxSetup(
        device: device, box: box, facts: facts, sshdPort: sshdPort ?? facts.sshdPort, agent: agent, asUser: asUser,
        files: files)
      return (setup, facts.summary(for: device))
    }
  }

  /// `7.4 s`.
  private static func seconds(_ time: Duration) -> String {
    let tenths = time.components.seconds * 10 + time.components.attoseconds / 100_000_000_000_000_000
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
