import FleetProtocol

/// What is done to one box on the bench, over a connection that stands, once it is known what the box is.
struct BoxSetup {
  let device: DeviceName
  let box: BoxConnection
  let facts: BoxFacts
  let sshdPort: TCPPort
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  let asUser: Bool
  let files: DeviceFiles

  /// How the agent comes to the box.
  struct AgentCopy {
    /// `nil` when it is there already.
    let command: String?
    let input: Subprocess.Input
    let size: Int
    /// What to tell of it.
    let detail: String
  }

  /// Compares the agent here with those on the box.
  func agentCopy() throws(Refusal) -> AgentCopy {
    let agent = try AgentBinary.find(given: agent, machine: facts.machine)
    let checksum = try agent.checksum()
    let size = checksum.split(separator: " ").last.flatMap { Int($0) } ?? 0
    if facts.stagedChecksum == checksum {
      return AgentCopy(command: nil, input: .none, size: size, detail: "it is there already")
    }
    if facts.installedChecksum == checksum {
      return AgentCopy(
        command: BoxScript.copy(facts.binary, to: "fleet-agent", in: facts.stage), input: .none, size: size,
        detail: "it is installed already")
    }
    return AgentCopy(
      command: BoxScript.write("fleet-agent", in: facts.stage, mode: "755", size: size), input: .file(agent.path),
      size: size, detail: "\(agent.machine), \(DeviceDetails.bytes(Int64(size)))")
  }

  /// Copies the agent unless the box has it. Returns what to tell of it.
  func copyAgent() throws(Refusal) -> String {
    let copy = try agentCopy()
    if let command = copy.command { try box.run(command, input: copy.input) }
    return copy.detail
  }

  func makeKey() throws(Refusal) -> PublicKey {
    guard let key = Self.keys(in: try box.run(BoxScript.keygen(facts, device: device))).first else {
      throw Refusal(.stepFailed, "the agent on the box did not print its key")
    }
    return key
  }

  func readHostKeys() throws(Refusal) -> [PublicKey] {
    let keys = Self.keys(in: try box.run(BoxScript.hostKeys(facts, port: sshdPort)))
    guard !keys.isEmpty else {
      throw Refusal(
        .stepFailed, "the box's sshd on port \(sshdPort) shows no host key", hint: "give its port with --sshd-port")
    }
    return keys
  }

  /// Writes what `install.sh` needs beside the agent and the key. Returns nothing to tell.
  func configure(_ lease: ProvisionReply, _ profile: TrafficProfile) throws(Refusal) -> String {
    let configuration = AgentConfiguration(
      device: lease.device, name: device, port: lease.port, host: lease.host, keyFile: "id_ed25519",
      sshdPort: sshdPort, profile: profile, reportHostKeys: false)
    try stage("agent.json", Array(configuration.text.utf8))
    for name in DeviceFiles.names { try stage(name, try files.content(of: name)) }
    return ""
  }

  private func stage(_ name: String, _ content: [UInt8]) throws(Refusal) {
    try box.run(
      BoxScript.write(name, in: facts.stage, mode: "600", size: content.count), input: .bytes(content))
  }

  /// Shows every action of the script; a box on which nothing starts the agent after a reboot is worth a warning.
  func install() throws(Refusal) -> String {
    let outcome = try box.outcome(of: BoxScript.install(facts, asUser: asUser))
    Self.show(outcome.text)
    switch outcome.status {
    case 0: return ""
    case 3:
      Self.show(outcome.errorText)
      return "it runs, but nothing starts it after a reboot"
    default:
      throw BoxFailure.ofCommand(errorText: outcome.errorText, status: outcome.status, machine: "the box")
    }
  }

  /// What `install.sh` would do. Nothing is written: the script itself comes on its standard input.
  func rehearseInstall() throws(Refusal) -> String {
    let arguments = ["--dry-run", "--from", facts.stage] + (asUser ? ["--user"] : [])
    return try box.run(BoxScript.fromInput(arguments), input: .bytes(try files.content(of: "install.sh")))
  }

  /// Removes the folder into which everything was copied first.
  func tidyUp() { _ = try? box.run(BoxScript.removeStage(facts)) }

  private static func show(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      StandardStreams.note("    \(DisplayText.escaped(line, limit: 200))")
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
