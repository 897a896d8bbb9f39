import FleetProtocol

/// `fleet provision NAME --bundle FILE` and `--image MOUNTPOINT`: everything that makes a box this device, for a box that
/// is not here.
struct BundleProvisioning {
  let request: LeaseRequest
  let device: DeviceName
  let place: any BundlePlace
  let user: LoginName
  let sshdPort: TCPPort
  let tags: [String: String]
  let profile: TrafficProfile
  /// After which a bundle that was never used is dead; `nil` for never.
  let lifetime: Lifetime?
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  /// Whether the box gets a shell script around its own ssh instead of the agent.
  let isShell: Bool
  let hostA: HostRequest
  let files: DeviceFiles

  /// Throws what stopped it, after each step has told its own part.
  func run() throws(Refusal) {
    let agent = isShell ? nil : try AgentBinary.find(given: agent, machine: place.machine)
    try place.check()
    let reporter = StepReporter(.carried(place.step), device: device)
    try reporter.perform(.askHostA) { () throws(Refusal) in
      let answer = try hostA.version()
      return ((), "\(hostA.host.address) knows you as \(answer.operatorName)")
    }
    let keyFolder = hostA.paths.pendingKeyFolder(host: hostA.host.name, device: device)
    let deviceKey = DeviceKey(path: "\(keyFolder)/id_ed25519")
    let key = try reporter.perform(.makeKey) { () throws(Refusal) in
      try FileStore.makeFolder(keyFolder)
      if let present = try place.presentKey(of: device) { return (try deviceKey.adopt(present), "as before") }
      return (try deviceKey.make(), "")
    }
    let lease = try reporter.perform(.lease) { () throws(Refusal) in
      let lease = try takeLease(key, deviceKey, keyFolder: keyFolder)
      return (lease, "\(lease.port) on HostA, login as \(user)" + request.remark(lease))
    }
    let bundle = try reporter.perform(place.step) { () throws(Refusal) in
      let bundle = try content(lease, key: try deviceKey.content(), agent: agent?.path)
      let detail = try place.place(bundle)
      return (bundle, "\(detail), for a box with \(agent?.machine ?? "ssh or dbclient")")
    }
    deviceKey.remove()
    FileStore.remove(files: [], in: keyFolder)
    StandardStreams.note(
      "it holds the device's private key, which the box replaces at its first contact"
        + (lifetime.map { "; it is dead unless that is within \(RelativeTime.length($0.seconds))" } ?? "") + "\n"
        + place.nextStep(bundle.folderName))
  }

  private func takeLease(_ key: PublicKey, _ deviceKey: DeviceKey, keyFolder: String) throws(Refusal)
    -> ProvisionReply
  {
    do throws(Refusal) {
      let lease = try request.ask(
        hostA, device,
        ProvisionBody(
          key: key, user: user, tags: tags, hostKeysFromFirstClaim: true, replacesKey: true,
          expires_s: lifetime?.seconds))
      // Whatever was known of the name is the old hardware's, or that of another device before this one.
      let pins = DevicePins(of: device, host: hostA.host, paths: hostA.paths)
      if lease.created { if request == .replace { try pins.letGo() } else { pins.forget() } }
      return lease
    } catch {
      guard error.code == .nameTaken else { throw error }
      deviceKey.remove()
      FileStore.remove(files: [], in: keyFolder)
      throw Refusal(
        .nameTaken, error.message,
        hint: "the key that holds it is on the box, or in the bundle that was made for it: use that bundle, "
          + "choose another name, or give this one to new hardware with 'fleet replace'")
    }
  }

  private func content(_ lease: ProvisionReply, key: [UInt8], agent: String?) throws(Refusal) -> DeviceBundle {
    guard let agent else {
      let settings = ShellSettings(
        device: lease.device, name: device, port: lease.port, host: lease.host, sshdPort: sshdPort)
      return try .shell(settings, key: key, files: files)
    }
    let configuration = AgentConfiguration(
      device: lease.device, name: device, port: lease.port, host: lease.host, keyFile: "id_ed25519",
      sshdPort: sshdPort, profile: profile, reportHostKeys: true)
    return try .device(configuration, key: key, files: files, agent: agent)
  }
}
