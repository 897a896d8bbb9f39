import FleetProtocol

/// `fleet init ACCOUNT@HOST`: makes an account a HostA, over the person's own ssh, and logs this laptop in.
struct HostSetup {
  let target: BoxTarget
  /// What devices and laptops call HostA; `nil` takes what ssh makes of the target.
  let address: String?
  let listen: String?
  let ports: String?
  let operatorName: OperatorName
  /// The laptop's private key; `nil` takes ssh's own, or makes one.
  let identity: String?
  /// The program; `nil` looks beside `fleet`.
  let server: String?
  let files: ServerFiles

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let reporter = StepReporter(.host, of: "setting up HostA \(target.address)")
    let (host, facts) = try reachAndInspect(reporter)
    let key = try reporter.perform(.chooseKey) { () throws(Refusal) in
      let file = try OperatorKey.file(given: identity)
      let detail = FileStore.exists(file) ? "" : ", made now and without a passphrase"
      return (try OperatorKey.readOrMake(file), DisplayText.escaped(file) + detail + ", as \(operatorName)")
    }
    try reporter.perform(.copyServer) { () throws(Refusal) in ((), try copyServer(host, facts)) }
    let line = try reporter.perform(.setUpHost) { () throws(Refusal) in
      try host.run(
        BoxScript.write("operator.pub", in: facts.stage, mode: "600"), input: .bytes(Array("\(key.key)\n".utf8)))
      for name in ServerFiles.names {
        try host.run(BoxScript.write(name, in: facts.stage, mode: "600"), input: .bytes(try files.content(of: name)))
      }
      return try install(host, facts)
    }
    try reporter.perform(.logIn) { () throws(Refusal) in
      let answer = try logIn(line, identity: key.identity)
      return ((), "HostA \(answer.host.address) port \(answer.host.port) knows you as \(answer.operatorName)")
    }
    _ = try? host.run("rm -rf \(ShellWord.quoted(facts.stage))")
    StandardStreams.note("HostA is ready; next: fleet provision NAME --to USER@BOX")
  }

  /// Says what `run` would do; changes nothing, there or here.
  func rehearse() throws(Refusal) {
    let reporter = StepReporter(.hostRehearsal, of: "rehearsing HostA \(target.address)")
    let (host, facts) = try reachAndInspect(reporter)
    try reporter.perform(.chooseKey) { () throws(Refusal) in
      let file = try OperatorKey.file(given: identity)
      return ((), (FileStore.exists(file) ? "" : "would make ") + DisplayText.escaped(file) + ", as \(operatorName)")
    }
    try reporter.perform(.rehearse) { () throws(Refusal) in
      let program = try LinuxProgram.find(
        "fleet-server", given: server, machine: facts.machine, for: "HostA", option: "--server")
      if try program.checksum() != facts.installedChecksum {
        StandardStreams.note("    would copy \(DisplayText.escaped(program.path)) to \(facts.stage)")
      }
      let script = try setupScript(facts)
      // There is no key file on HostA yet; the script looks only whether it can read one.
      let arguments = script.arguments(operatorKey: "/dev/null", isRehearsal: true)
      show(try host.run(BoxScript.fromInput(arguments), input: .bytes(try files.content(of: "install.sh"))))
      return ((), "nothing was done")
    }
  }

  private func reachAndInspect(_ reporter: StepReporter) throws(Refusal) -> (BoxConnection, HostSetupFacts) {
    let host = try reporter.perform(.reachHost) { () throws(Refusal) in
      (try BoxConnection(target, called: .host), target.description)
    }
    let facts = try reporter.perform(.inspectHost) { () throws(Refusal) in
      let script = try files.content(of: "probe.sh")
      let facts = try HostSetupFacts(parsing: try host.run(BoxScript.fromInput([]), input: .bytes(script)))
      let services = facts.services == "none" ? "neither systemd nor cron" : facts.services
      return (
        facts, "\(facts.user) on \(facts.machine), \(services)" + (facts.isInitialised ? "; it is HostA already" : "")
      )
    }
    return (host, facts)
  }

  private func copyServer(_ host: BoxConnection, _ facts: HostSetupFacts) throws(Refusal) -> String {
    let program = try LinuxProgram.find(
      "fleet-server", given: server, machine: facts.machine, for: "HostA", option: "--server")
    let checksum = try program.checksum()
    if facts.stagedChecksum == checksum { return "it is there already" }
    if facts.installedChecksum == checksum {
      try host.run(BoxScript.copy(facts.binary, to: "fleet-server", in: facts.stage))
      return "it is installed already"
    }
    let size = checksum.split(separator: " ").last.flatMap { Int64($0) } ?? 0
    try facts.requireRoom(forProgram: Int(size / 1024))
    try host.run(BoxScript.write("fleet-server", in: facts.stage, mode: "755"), input: .file(program.path))
    return "\(program.machine), \(DeviceDetails.bytes(size))"
  }

  private func setupScript(_ facts: HostSetupFacts) throws(Refusal) -> HostSetupScript {
    var address = address
    if address == nil, !facts.isInitialised {
      let resolved = try Subprocess.run(BoxSSHArguments.resolve(target)).text
      address = BoxSSHArguments.hostName(inResolved: resolved) ?? target.address
    }
    return HostSetupScript(address: address, listen: listen, ports: ports, operatorName: operatorName)
  }

  /// Shows every action of the script. Returns the line to log in with.
  private func install(_ host: BoxConnection, _ facts: HostSetupFacts) throws(Refusal) -> (HostLoginLine, String) {
    let outcome = try host.outcome(of: try setupScript(facts).command(facts))
    show(outcome.text)
    guard [0, 3].contains(outcome.status) else {
      show(outcome.errorText)
      let said = outcome.errorText.split(whereSeparator: \.isNewline).last { $0.hasPrefix("install.sh: ") }
      throw Refusal(
        .stepFailed,
        said.map { DisplayText.escaped($0.dropFirst("install.sh: ".count), limit: 300) }
          ?? LastLine.of(outcome.errorText) ?? "install.sh ended with status \(outcome.status)",
        hint: "mend that on HostA")
    }
    guard let line = HostLoginLine(in: outcome.text) else {
      throw Refusal(.stepFailed, "HostA did not say how to log in", hint: "see whether fleet-server there is the same")
    }
    if outcome.status == 3 { show(outcome.errorText) }
    return (line, outcome.status == 3 ? "it runs, but nothing starts it after a reboot" : "")
  }

  private func show(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      StandardStreams.note("    \(DisplayText.escaped(line, limit: 200))")
    }
  }

  /// The fingerprint came over the connection that the person's ssh trusts.
  private func logIn(_ line: HostLoginLine, identity: String) throws(Refusal) -> Login.Answer {
    do throws(Refusal) {
      return try Login.perform(line.target, hostKey: line.fingerprint, identity: identity)
    } catch {
      guard error.code == .hostUnreachable else { throw error }
      throw Refusal(
        .hostUnreachable, error.message,
        hint: "HostA runs: let TCP port \(line.target.port) through to it, and check that its address is right")
    }
  }
}
