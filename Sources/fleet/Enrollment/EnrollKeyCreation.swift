import FleetProtocol

/// `fleet enroll-key create`: a key for many boxes, in a bundle or on an image.
struct EnrollKeyCreation {
  let place: any BundlePlace
  let pattern: NamePattern
  let user: LoginName
  let tags: [String: String]
  let uses: Int64
  let lifetime: Lifetime
  let autoApprove: Bool
  let profile: TrafficProfile
  let sshdPort: TCPPort
  /// The agent's program; `nil` looks beside `fleet`.
  let agent: String?
  let hostA: HostRequest
  let files: DeviceFiles

  /// Throws what stopped it; then there is no enroll key either.
  func run() throws(Refusal) {
    let agent = try AgentBinary.find(given: agent, machine: place.machine)
    try place.check()
    let folder = try FileStore.makeTemporaryFolder()
    let key = DeviceKey(path: "\(folder)/enroll_ed25519")
    defer {
      key.remove()
      FileStore.remove(files: [], in: folder)
    }
    let (id, host) = try hostA.createEnrollKey(
      EnrollKeyBody(
        key: try key.make(), pattern: pattern, user: user, tags: tags, uses: uses, expires_s: lifetime.seconds,
        autoApprove: autoApprove))
    let bundle: DeviceBundle
    let detail: String
    do throws(Refusal) {
      bundle = try DeviceBundle.enrollment(
        EnrollmentConfiguration(host: host, keyFile: "enroll_ed25519", sshdPort: sshdPort, profile: profile),
        key: try key.content(), files: files, agent: agent.path)
      detail = try place.place(bundle)
    } catch {
      do throws(Refusal) { try hostA.removeEnrollKey(id) } catch _ {
        throw Refusal(error.code, error.message, hint: "then remove the key: fleet enroll-key remove \(id)")
      }
      throw error
    }
    try StandardStreams.print("\(id)\n")
    StandardStreams.note(
      """
      the enroll key \(id) is in \(detail), for boxes with \(agent.machine)
      it brings \(uses == 1 ? "one box" : "\(uses) boxes") within \(RelativeTime.length(lifetime.seconds)), called \(pattern); \
      \(autoApprove ? "each gets its port at once" : "each waits until 'fleet approve NAME'")
      \(place.nextStep(bundle.folderName))
      """)
  }
}
