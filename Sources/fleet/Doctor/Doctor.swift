import FleetProtocol

/// Walks from the laptop to HostA, and on to a device, and stops where it does not go on.
struct Doctor {
  /// `[USER@]NAME`, where the walk goes to a device.
  let line: SSHCommandLine?
  let isJSON: Bool
  private var report: DoctorReport
  private let style: TerminalStyle

  init(line: SSHCommandLine?, isJSON: Bool, style: TerminalStyle) {
    self.line = line
    self.isJSON = isJSON
    self.style = style
    report = DoctorReport(device: line?.device)
  }

  /// Throws why the way ends before its end, after everything has been told.
  mutating func run() throws(Refusal) {
    do throws(Refusal) {
      try walk()
    } catch {
      report.refusal = error
    }
    if isJSON {
      try StandardStreams.print(report.json)
    } else if report.refusal != nil {
      try StandardStreams.print(report.unreachedLines(style: style))
    }
    if let refusal = report.refusal { throw refusal }
  }

  private mutating func walk() throws(Refusal) {
    try examine(.ssh) { () throws(Refusal) in try LaptopInspection.sshVersion() }
    let laptop = try LaptopInspection()
    let host = laptop.host
    report.host = (try? host.get())?.name
    try examine(.configuration) { () throws(Refusal) in
      try LaptopInspection.checkWay(to: host.get())
      return try laptop.configurationSummary()
    }
    let reached = try host.get()
    try examine(.key) { () throws(Refusal) in try LaptopVerdict.keys(KeyInspection.keys(for: reached)) }
    try examine(.folder) { () throws(Refusal) in try laptop.folderSummary() }
    let hostA = HostRequest(host: reached, paths: laptop.paths)
    try take(hostVerdict(hostA))
    guard let line else { return try lookAtFleet(hostA) }
    try visit(line, hostA)
  }

  private func hostVerdict(_ hostA: HostRequest) throws(Refusal) -> Verdict {
    let ssh = try TracedSSH(
      HostConnectionArguments.ssh(to: hostA.host, pins: hostA.paths.hostPins, request: OperatorRequest.version.command))
    let answer: Result<JSONObject, Refusal>
    do throws(Refusal) {
      guard let header = ssh.output.split(separator: UInt8(ascii: "\n")).first else {
        throw ConnectionFailure.refusal(
          host: hostA.host, paths: hostA.paths, exitStatus: ssh.status, errorText: ssh.trace.errorText)
      }
      answer = .success(try HostRequest.fields(of: header, host: hostA.host))
    } catch {
      answer = .failure(error)
    }
    return HostVerdict.of(ssh.trace, answer: answer)
  }

  private mutating func lookAtFleet(_ hostA: HostRequest) throws(Refusal) {
    let clock = ContinuousClock()
    let start = clock.now
    do throws(Refusal) {
      let (devices, now, waiting) = try hostA.list()
      let took = clock.now - start
      try tell(LaptopVerdict.clock(laptop: LaptopEnvironment.now, hostA: now))
      try tell(LaptopVerdict.fleet(devices, waiting: waiting, took: took))
    } catch {
      try take(.failed([], .fleet, error, took: clock.now - start))
    }
  }

  /// From HostA's word on the device to a login there.
  private mutating func visit(_ line: SSHCommandLine, _ hostA: HostRequest) throws(Refusal) {
    let clock = ContinuousClock()
    let device = line.device
    var now = LaptopEnvironment.now
    if let hostTime = try? hostA.time(askingAbout: device) {
      try tell(LaptopVerdict.clock(laptop: now, hostA: hostTime))
      now = hostTime
    }
    var start = clock.now
    let reply: ShowReply
    do throws(Refusal) {
      reply = try hostA.show(device)
    } catch {
      return try take(.failed([], .record, error, took: clock.now - start))
    }
    try take(DeviceVerdict.ofRecord(reply, now: now, took: clock.now - start))
    start = clock.now
    let connection: DeviceConnection
    do throws(Refusal) {
      connection = try DeviceConnection.open(device, host: hostA.host, paths: hostA.paths)
    } catch {
      let took = clock.now - start
      guard error.code == .deviceHostKeyChanged else { return try take(.failed([], .tunnel, error, took: took)) }
      // HostA did connect: it is this laptop that has not accepted what was recorded meanwhile.
      return try take(.failed([Self.connected(took)], .deviceKey, error))
    }
    try tell(Self.connected(clock.now - start))
    try take(DeviceVerdict.of(enter(line, connection, note: reply.device.note)))
  }

  private static func connected(_ took: Duration) -> Finding {
    Finding(.tunnel, "HostA connects you, and says which host key to expect", took: took)
  }

  /// Logs in as `fleet ssh` does, without a question to anybody.
  private func enter(
    _ line: SSHCommandLine, _ connection: DeviceConnection, note: String?
  ) throws(Refusal) -> DeviceVerdict.Visit {
    guard let program = Platform.executablePath else {
      throw Refusal(.ioFailed, "the system does not tell where the program fleet is")
    }
    let socket = try DescriptorHandover.offer(connection.socket, program: program)
    let ssh = try TracedSSH(
      DeviceSSHArguments.ssh(
        line, defaultUser: connection.header.user.rawValue, name: connection.name, program: program,
        over: .connection(handover: socket, staying: nil)),
      options: RehearsalProof.options)
    return DeviceVerdict.Visit(
      name: connection.name, user: line.user ?? connection.header.user.rawValue, header: connection.header,
      status: ssh.status, trace: ssh.trace, note: note)
  }

  // MARK: Telling

  /// One step that `body` looks at, which returns what it found.
  private mutating func examine(_ step: DoctorStep, _ body: () throws(Refusal) -> String) throws(Refusal) {
    let clock = ContinuousClock()
    let start = clock.now
    do throws(Refusal) {
      let detail = try body()
      try tell(Finding(step, detail, took: clock.now - start))
    } catch {
      try take(.failed([], step, error, took: clock.now - start))
    }
  }

  private mutating func take(_ verdict: Verdict) throws(Refusal) {
    for finding in verdict.findings { try tell(finding) }
    if let refusal = verdict.refusal { throw refusal }
  }

  private mutating func tell(_ finding: Finding) throws(Refusal) {
    report.add(finding)
    if !isJSON { try StandardStreams.print(finding.line(style: style)) }
  }
}

extension HostRequest {
  /// What HostA's clock shows; asked so that the answer is short, however many devices there are.
  fileprivate func time(askingAbout device: DeviceName) throws(Refusal) -> Timestamp {
    let body = SelectBody(selector: try DeviceSelector([device.rawValue]))
    let fields = try answer(to: .select, body: body.line).fields
    return try parse { () throws(JSONError) in
      guard let now = Timestamp(parsing: try fields.string("now")) else { throw JSONError("'now' is not a time") }
      return now
    }
  }
}
