import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet provision NAME --bundle FILE`: everything that makes a box this device, in one archive.
struct BundleProvisioning {
  let device: DeviceName
  let file: String
  let user: LoginName
  let sshdPort: TCPPort
  let tags: [String: String]
  let profile: TrafficProfile
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  let hostA: HostRequest
  let files: DeviceFiles

  private var folderName: String { "fleet-agent-\(device)" }
  private var fileName: String { file.lastIndex(of: "/").map { String(file[file.index(after: $0)...]) } ?? file }

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let agent = try AgentBinary.find(given: agent, machine: nil)
    guard !FileStore.exists(file) else { throw fileExists }
    let reporter = StepReporter(.bundle, device: device)
    try reporter.perform(.askHostA) { () throws(Refusal) in
      let answer = try hostA.version()
      return ((), "\(hostA.host.address) knows you as \(answer.operatorName)")
    }
    // It waits here only until the bundle is written: a run that failed in between finds its lease again by it.
    let keyFolder = hostA.paths.pendingKeyFolder(host: hostA.host.name, device: device)
    let key = try reporter.perform(.makeKey) { () throws(Refusal) in (try makeKey(in: keyFolder), "") }
    let lease = try reporter.perform(.lease) { () throws(Refusal) in
      let lease = try takeLease(key, keyFolder: keyFolder)
      return (lease, "\(lease.port) on HostA, login as \(user)" + (lease.created ? "" : ", as before"))
    }
    try reporter.perform(.writeBundle) { () throws(Refusal) in
      let configuration = AgentConfiguration(
        device: lease.device, name: device, port: lease.port, host: lease.host, keyFile: "id_ed25519",
        sshdPort: sshdPort, profile: profile, reportHostKeys: true)
      try writeArchive(configuration, key: "\(keyFolder)/id_ed25519", agent: agent.path)
      return ((), "\(DisplayText.escaped(file)), for a box with \(agent.machine)")
    }
    removeKey(keyFolder)
    StandardStreams.note(
      """
      it holds the device's private key: carry it to the box, and delete it afterwards
      on the box: tar -xf \(DisplayText.escaped(ShellWord.quoted(fileName))) && sh \(folderName)/install.sh
      """)
  }

  /// Says what `run` would do; asks HostA, and changes nothing.
  func dryRun() throws(Refusal) {
    let agent = try AgentBinary.find(given: agent, machine: nil)
    guard !FileStore.exists(file) else { throw fileExists }
    let reporter = StepReporter(.bundleRehearsal, of: "rehearsing \(device)")
    try reporter.perform(.askHostA) { () throws(Refusal) in
      ((), "\(hostA.host.address) knows you as \(try hostA.version().operatorName)")
    }
    let plan = try reporter.perform(.rehearse) { () throws(Refusal) in
      func inside(_ name: String, _ mode: String, _ bytes: Int?) -> PlannedChanges.File {
        PlannedChanges.File(path: "\(folderName)/\(name)", mode: mode, bytes: bytes)
      }
      var inner = [inside("agent.json", "600", nil), inside("id_ed25519", "600", nil)]
      inner.append(inside("fleet-agent", "755", try FileStore.size(of: agent.path)))
      for name in DeviceFiles.names {
        inner.append(inside(name, name == "install.sh" ? "755" : "600", try files.content(of: name).count))
      }
      var plan = PlannedChanges()
      plan.add("files in \(DisplayText.escaped(file)), itself 600:", files: inner)
      plan.add(
        "on HostA:",
        lines: PlannedChanges.onHostA(
          device, present: try hostA.leasedPort(device), user: user, tags: tags, hostKeys: nil))
      return (plan, "nothing was done")
    }
    try StandardStreams.print(plan.text)
  }

  private func makeKey(in folder: String) throws(Refusal) -> PublicKey {
    try FileStore.makeFolder(folder)
    let path = "\(folder)/id_ed25519"
    if !FileStore.exists("\(path).pub") {
      unlink(path)
      let outcome = try Subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path])
      guard outcome.status == 0 else {
        throw Refusal(
          .stepFailed, "ssh-keygen made no key: \(LastLine.of(outcome.errorText) ?? "no reason given")")
      }
    }
    let text = String(decoding: try FileStore.content(of: "\(path).pub") ?? [], as: UTF8.self)
    return try PublicKey(parsing: text.prefix { !$0.isNewline })
  }

  private func takeLease(_ key: PublicKey, keyFolder: String) throws(Refusal) -> ProvisionReply {
    do throws(Refusal) {
      return try hostA.provision(
        device, ProvisionBody(key: key, user: user, tags: tags, hostKeysFromFirstClaim: true))
    } catch {
      guard error.code == .nameTaken else { throw error }
      removeKey(keyFolder)
      throw Refusal(
        .nameTaken, error.message,
        hint: "the key that holds it is on the box, or in the bundle that was made for it: use that bundle, or "
          + "choose another name")
    }
  }

  /// Writes the archive beside its final place, for this account only, and then gives it its name.
  private func writeArchive(_ configuration: AgentConfiguration, key: String, agent: String) throws(Refusal) {
    let folder = try FileStore.makeTemporaryFolder()
    let inner = "\(folder)/\(folderName)"
    let names = ["agent.json", "id_ed25519", "fleet-agent"] + DeviceFiles.names
    defer {
      FileStore.remove(files: names, in: inner)
      FileStore.remove(files: [], in: folder)
    }
    try FileStore.replace("\(inner)/agent.json", with: configuration.text.utf8)
    try FileStore.replace("\(inner)/id_ed25519", with: try FileStore.content(of: key) ?? [])
    for name in DeviceFiles.names { try FileStore.replace("\(inner)/\(name)", with: try files.content(of: name)) }
    try FileStore.replace("\(inner)/fleet-agent", with: try FileStore.content(of: agent, limit: 1 << 30) ?? [])
    chmod("\(inner)/fleet-agent", 0o755)
    chmod("\(inner)/install.sh", 0o755)

    let temporary = "\(file).\(getpid()).new"
    let archive = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
    defer { unlink(temporary) }
    let (complaints, errorOutput) = try Subprocess.makePipe()
    let tar = try Subprocess.spawn(
      ["tar"] + Platform.tarOptions + ["-C", folder, "-cf", "-", folderName],
      [0: try Descriptor.open("/dev/null", O_RDONLY), 1: archive, 2: errorOutput])
    errorOutput.close()
    let said = complaints.readToEnd()
    guard Subprocess.wait(for: tar) == 0, fsync(archive.number) == 0 else {
      let reason = LastLine.of(String(decoding: said, as: UTF8.self)) ?? "no reason given"
      throw Refusal(.stepFailed, "cannot write \(DisplayText.escaped(file)): \(reason)")
    }
    // link, unlike rename, never replaces what somebody put there meanwhile.
    guard link(temporary, file) == 0 else {
      throw errno == EEXIST ? fileExists : .system("cannot write \(DisplayText.escaped(file))")
    }
  }

  private func removeKey(_ folder: String) { FileStore.remove(files: ["id_ed25519", "id_ed25519.pub"], in: folder) }

  private var fileExists: Refusal {
    Refusal(
      .stepFailed, "\(DisplayText.escaped(file)) exists already",
      hint: "it may hold a device's only key; choose another")
  }
}
