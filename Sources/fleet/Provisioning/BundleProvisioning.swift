import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet provision NAME --bundle FILE`: everything that makes a box this device, in one archive.
struct BundleProvisioning {
  let request: LeaseRequest
  let device: DeviceName
  let file: String
  let user: LoginName
  let sshdPort: TCPPort
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  /// Whether the box gets a shell script around its own ssh instead of the agent.
  let isShell: Bool
  let hostA: HostRequest
  let files: DeviceFiles

  private var folderName: String { "fleet-agent-\(device)" }
  private var fileName: String { file.lastIndex(of: "/").map { String(file[file.index(after: $0)...]) } ?? file }

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let agent = isShell ? nil : try AgentBinary.find(given: agent, machine: nil)
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
      return (lease, "\(lease.port) on HostA, login as \(user)" + request.remark(lease))
    }
    try reporter.perform(.writeBundle) { () throws(Refusal) in
      let key = try FileStore.content(of: "\(keyFolder)/id_ed25519") ?? []
      if let agent {
        try writeArchive(try agentContent(lease, key: key, agent: agent.path))
      } else {
        try writeArchive(try shellContent(lease, key: key))
      }
      return ((), "\(DisplayText.escaped(file)), for a box with \(agent?.machine ?? "ssh or dbclient")")
    }
    removeKey(keyFolder)
    StandardStreams.note(
      """
      it holds the device's private key: carry it to the box, and delete it afterwards
      on the box: tar -xf \(DisplayText.escaped(ShellWord.quoted(fileName))) && sh \(folderName)/install.sh
      """)
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
      return try request.ask(
        hostA, device, ProvisionBody(key: key, user: user, tags: [:], hostKeysFromFirstClaim: true))
    } catch {
      guard error.code == .nameTaken else { throw error }
      removeKey(keyFolder)
      throw Refusal(
        .nameTaken, error.message,
        hint: "the key that holds it is on the box, or in the bundle that was made for it: use that bundle, "
          + "choose another name, or give this one to new hardware with 'fleet replace'")
    }
  }

  private func agentContent(_ lease: ProvisionReply, key: [UInt8], agent: String) throws(Refusal) -> [String: [UInt8]] {
    let configuration = AgentConfiguration(
      device: lease.device, name: device, port: lease.port, host: lease.host, keyFile: "id_ed25519",
      sshdPort: sshdPort, reportHostKeys: true)
    var content = ["agent.json": Array(configuration.text.utf8), "id_ed25519": key]
    for name in DeviceFiles.names { content[name] = try files.content(of: name) }
    content["fleet-agent"] = try FileStore.content(of: agent, limit: 1 << 30) ?? []
    return content
  }

  private func shellContent(_ lease: ProvisionReply, key: [UInt8]) throws(Refusal) -> [String: [UInt8]] {
    let settings = ShellSettings(
      device: lease.device, name: device, port: lease.port, host: lease.host, sshdPort: sshdPort)
    return try ShellBundle(settings: settings, key: key, files: files).content()
  }

  /// Writes the archive beside its final place, for this account only, and then gives it its name.
  private func writeArchive(_ content: [String: [UInt8]]) throws(Refusal) {
    let folder = try FileStore.makeTemporaryFolder()
    let inner = "\(folder)/\(folderName)"
    defer {
      FileStore.remove(files: Array(content.keys), in: inner)
      FileStore.remove(files: [], in: folder)
    }
    for (name, bytes) in content { try FileStore.replace("\(inner)/\(name)", with: bytes) }
    for program in ["fleet-agent", "install.sh", "fleet-shell-agent.sh"] { chmod("\(inner)/\(program)", 0o755) }

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
