import ArgumentParser
import FleetProtocol

struct ProvisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provision", abstract: "Make a box a device of the fleet.",
    usage: "fleet provision NAME [--user LOGIN] [--tag KEY=VALUE]... (--to [USER@]BOX[:PORT] | --bundle FILE.tar)",
    discussion: """
      With --to the box is on the bench and ssh reaches it: the agent is copied, its key is made there, the box's \
      host keys are read and pinned, the agent is installed and started, and the command waits until the device \
      is online; then it is reached through HostA once, as 'fleet ssh' does it. As root the agent becomes a system service, otherwise a service of the account (systemd or cron).

      With --bundle the box is not here: the archive holds the agent, its key and an install.sh. The device's host \
      keys are recorded at its first contact, and pinned from then on.

      A failure says what was done; running the same command again continues.

      EXAMPLE
        fleet provision kitchen-pi --to pi@192.168.1.50 --tag site=berlin
        fleet provision attic-pi --user pi --bundle attic-pi.tar
      """)

  @Argument(help: "The device's name: a-z, 0-9 and '-'.")
  var name: String?

  @Option(help: ArgumentHelp("The box on the bench; ssh's aliases work.", valueName: "[user@]box[:port]"))
  var to: String?

  @Option(help: ArgumentHelp("The archive to write for a box that is not here.", valueName: "file"))
  var bundle: String?

  @Option(
    help: ArgumentHelp(
      "The account that 'fleet ssh' logs in as; by default the one of --to, or with --bundle your own name.",
      valueName: "login"))
  var user: String?

  @Option(help: ArgumentHelp("The port of the box's own sshd; by default the one of --to, or 22.", valueName: "port"))
  var sshdPort: String?

  @Option(
    help: ArgumentHelp("The fleet-agent program for the box; by default the one beside fleet.", valueName: "file"))
  var agent: String?

  @Option(name: .customLong("tag"), help: ArgumentHelp("A tag of the device; may be repeated.", valueName: "key=value"))
  var tags: [String] = []

  @Option(help: ArgumentHelp("How much the idle tunnel may say: normal or metered.", valueName: "profile"))
  var profile: String?

  @Flag(help: "Show every file and command, and change nothing.")
  var dryRun = false

  @Flag(help: "With --to: install for the box's account alone, even when it is root.")
  var userService = false

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let user = try user.map { text throws(Refusal) in try LoginName(validating: text) }
    let port = try sshdPort.map { text throws(Refusal) in try Self.port(text) }
    let tags = try Tag.all(tags)
    let profile = try profile.map { text throws(Refusal) in try Self.profile(text) } ?? .normal
    switch (to, bundle) {
    case (let to?, nil):
      let target = try BoxTarget(parsing: to)
      let bench = try BenchProvisioning(
        device: device, target: target, user: user, sshdPort: port, tags: tags, profile: profile, agent: agent,
        asUser: userService, hostA: LaptopContext().hostA, files: DeviceFiles.find())
      try dryRun ? bench.dryRun() : bench.run()
    case (nil, let bundle?) where !bundle.isEmpty && !userService:
      guard let login = try user ?? LaptopEnvironment.loginName.map({ try LoginName(validating: $0) }) else {
        throw Refusal(.usage, "which account do people log in to on the box?", hint: "give it with --user")
      }
      let archive = try BundleProvisioning(
        device: device, file: bundle, user: login, sshdPort: port ?? TCPPort(22)!, tags: tags, profile: profile,
        agent: agent, hostA: LaptopContext().hostA, files: DeviceFiles.find())
      try dryRun ? archive.dryRun() : archive.run()
    default:
      throw Refusal(
        .usage, "say either --to or --bundle", hint: "fleet provision NAME --to USER@BOX, or --bundle FILE.tar")
    }
  }

  private static func profile(_ text: String) throws(Refusal) -> TrafficProfile {
    guard let profile = TrafficProfile(rawValue: text) else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 40))' is not a profile",
        hint: "use \(TrafficProfile.allCases.map(\.rawValue).joined(separator: " or "))")
    }
    return profile
  }

  private static func port(_ text: String) throws(Refusal) -> TCPPort {
    guard let port = TCPPort(parsing: text) else {
      throw Refusal(.usage, "'\(DisplayText.escaped(text, limit: 40))' is not a port", hint: "1 to 65535")
    }
    return port
  }
}
