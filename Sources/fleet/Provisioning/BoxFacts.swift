import FleetProtocol

/// What `probe.sh` tells about a box.
struct BoxFacts: Hashable {
  /// `uname -m`.
  let machine: String
  let user: LoginName
  /// How programs are started at boot: `systemd`, `cron` or `none`.
  let services: String
  /// Free space in the home folder, `nil` when it is not known.
  let free_kb: Int?
  /// The port of the box's own sshd, as the box sees it.
  let sshdPort: TCPPort
  /// The folder into which everything is copied first.
  let stage: String
  /// Where the agent's program and its configuration will be.
  let binary: String
  let folder: String
  /// cksum(1) of the program in the stage and of the installed one, empty when there is none.
  let stagedChecksum: String
  let installedChecksum: String
  /// As which device the box is set up now.
  let presentDevice: String?

  /// The agent, its key and some room for both to be replaced.
  private static let needed_kb = 40 * 1024

  /// Parses the probe's output, passing over what stands before its first line. Throws `box-unsuitable`.
  init(parsing output: String) throws(Refusal) {
    let answer = try ProbeAnswer(parsing: output, from: "the box", login: "BOX", program: "the agent")
    machine = DisplayText.escaped(answer["machine"], limit: 40)
    user = try LoginName(validating: answer["user"])
    services = DisplayText.escaped(answer["services"], limit: 20)
    free_kb = Int(answer["free_kb"])
    guard let port = TCPPort(parsing: answer["sshd_port"]) else {
      throw Refusal(.boxUnsuitable, "the box does not tell the port of its sshd", hint: "give it with --sshd-port")
    }
    sshdPort = port
    stage = try answer.path("stage")
    binary = try answer.path("binary")
    folder = try answer.path("folder")
    stagedChecksum = answer["staged"]
    installedChecksum = answer["installed"]
    presentDevice = (try? DeviceName(validating: answer["device"]))?.rawValue
    if let free_kb, free_kb < Self.needed_kb {
      throw Refusal(
        .boxUnsuitable, "the box has only \(free_kb / 1024) MiB free, and \(Self.needed_kb / 1024) MiB are needed",
        hint: "make room in \(stage)")
    }
  }

  /// What to tell a person who is about to make it `device`.
  func summary(for device: DeviceName) -> String {
    let start = services == "none" ? "neither systemd nor cron" : services
    let change = presentDevice.flatMap { $0 == device.rawValue ? nil : "; it was \($0) until now" } ?? ""
    return "\(user) on \(machine), \(start)\(change)"
  }
}
