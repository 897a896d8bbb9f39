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
    let lines = output.split(whereSeparator: \.isNewline)
    guard let start = lines.firstIndex(of: "fleet-probe=1") else {
      throw Refusal(
        .boxUnsuitable, "the box does not run a POSIX shell script as it should",
        hint: "see whether 'ssh BOX sh -c id' works and prints nothing else")
    }
    var values: [Substring: String] = [:]
    for line in lines[start...] {
      guard let equals = line.firstIndex(of: "=") else { continue }
      values[line[..<equals]] = String(line[line.index(after: equals)...])
    }
    func value(_ name: Substring) -> String { values[name] ?? "" }
    func path(_ name: Substring) throws(Refusal) -> String {
      let path = value(name)
      guard path.hasPrefix("/"), path.utf8.count < 1024, DisplayText.escaped(path) == path else {
        throw Refusal(.boxUnsuitable, "the box's account has no usable home folder")
      }
      return path
    }
    guard value("system") == "Linux" else {
      throw Refusal(
        .boxUnsuitable, "the box runs \(DisplayText.escaped(value("system"), limit: 40)), and the agent needs Linux")
    }
    machine = DisplayText.escaped(value("machine"), limit: 40)
    user = try LoginName(validating: value("user"))
    services = DisplayText.escaped(value("services"), limit: 20)
    free_kb = Int(value("free_kb"))
    guard let port = TCPPort(parsing: value("sshd_port")) else {
      throw Refusal(.boxUnsuitable, "the box does not tell the port of its sshd", hint: "give it with --sshd-port")
    }
    sshdPort = port
    stage = try path("stage")
    binary = try path("binary")
    folder = try path("folder")
    stagedChecksum = value("staged")
    installedChecksum = value("installed")
    presentDevice = (try? DeviceName(validating: value("device")))?.rawValue
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
