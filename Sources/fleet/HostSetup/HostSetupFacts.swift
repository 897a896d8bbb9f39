import FleetProtocol

/// What the server's `probe.sh` tells about the machine that is to be HostA.
struct HostSetupFacts: Hashable {
  /// `uname -m`.
  let machine: String
  let user: LoginName
  /// How programs are started at boot: `systemd`, `cron` or `none`.
  let services: String
  /// Whether there is a HostA already.
  let isInitialised: Bool
  /// Free space where everything is copied to, `nil` when it is not known.
  let free_kb: Int?
  /// The folder into which everything is copied first.
  let stage: String
  /// Where fleet-server will be.
  let binary: String
  /// cksum(1) of the program in the stage and of the installed one, empty when there is none.
  let stagedChecksum: String
  let installedChecksum: String

  /// The registry, HostA's keys and some room to grow.
  private static let room_kb = 20 * 1024

  /// Parses the probe's output, passing over what stands before its first line.
  ///
  /// Throws `box-unsuitable` or `sshd-missing`.
  init(parsing output: String) throws(Refusal) {
    let answer = try ProbeAnswer(parsing: output, from: "HostA", login: "HOST", program: "fleet-server")
    guard answer["missing"].isEmpty else {
      throw Refusal(
        .sshdMissing, "HostA lacks \(DisplayText.escaped(answer["missing"], limit: 100))",
        hint: "as root there: apt-get install openssh-server openssh-client; their own service is not needed")
    }
    machine = DisplayText.escaped(answer["machine"], limit: 40)
    user = try LoginName(validating: answer["user"])
    services = DisplayText.escaped(answer["services"], limit: 20)
    isInitialised = answer["initialised"] == "yes"
    free_kb = Int(answer["free_kb"])
    stage = try answer.path("stage")
    binary = try answer.path("binary")
    stagedChecksum = answer["staged"]
    installedChecksum = answer["installed"]
  }

  /// Throws `box-unsuitable` when a program of this size does not fit, once in the stage and once at its place.
  func requireRoom(forProgram size_kb: Int) throws(Refusal) {
    let needed_kb = 2 * size_kb + Self.room_kb
    if let free_kb, free_kb < needed_kb {
      throw Refusal(
        .boxUnsuitable, "HostA has only \(free_kb / 1024) MiB free, and \(needed_kb / 1024) MiB are needed",
        hint: "make room in \(stage)")
    }
  }
}
