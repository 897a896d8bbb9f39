import ArgumentParser
import FleetProtocol

struct ProvisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provision", abstract: "Make a box a device of the fleet.",
    usage: """
      fleet provision NAME [--user LOGIN] [--tag KEY=VALUE]... (--to [USER@]BOX[:PORT] | --bundle FILE.tar | --image MOUNTPOINT)
             fleet provision --from FILE.csv --bundle-dir FOLDER
      """,
    discussion: """
      With --to the box is on the bench and ssh reaches it: the agent is copied, its key is made there, the box's \
      host keys are read and pinned, the agent is installed and started, and the command waits until the device \
      is online; then it is reached through HostA once, as 'fleet ssh' does it. As root the agent becomes a system \
      service, otherwise a service of the account (systemd or cron).

      With --bundle the box is not here: the archive holds the agent, its key and an install.sh. The device's host \
      keys are recorded at its first contact, and pinned from then on; the agent replaces its key then, so that a \
      bundle that was used is worth nothing. With --expires a bundle that was not used by then is dead. With --shell \
      the archive holds a shell script around the ssh, or Dropbear's dbclient, that is on the box: for boxes that \
      fleet-agent does not run on.

      With --image the same is written to a mounted SD card, whose box installs it when it is booted.

      With --from a bundle is made for each row of a CSV file (name,user,tags); run it again to continue.

      A failure says what was done; running the same command again continues.

      EXAMPLE
        fleet provision kitchen-pi --to pi@192.168.1.50 --tag site=berlin
        fleet provision attic-pi --user pi --expires 30d --bundle attic-pi.tar
        fleet provision router --user root --shell --bundle router.tar
        fleet provision porch-pi --user pi --image /media/me/bootfs
        fleet provision --from devices.csv --bundle-dir bundles
      """)

  @Argument(help: "The device's name: a-z, 0-9 and '-'.")
  var name: String?

  @Option(help: ArgumentHelp("The box on the bench; ssh's aliases work.", valueName: "[user@]box[:port]"))
  var to: String?

  @Option(
    help: ArgumentHelp(
      "The account that 'fleet ssh' logs in as; by default the one of --to, or with --bundle your own name.",
      valueName: "login"))
  var user: String?

  @Option(
    help: ArgumentHelp("After which a bundle that was never used is dead, such as 12h or 30d.", valueName: "time"))
  var expires: String?

  @OptionGroup var carried: CarriedOptions

  @OptionGroup var many: ManyOptions

  @Option(name: .customLong("tag"), help: ArgumentHelp("A tag of the device; may be repeated.", valueName: "key=value"))
  var tags: [String] = []

  @Option(help: ArgumentHelp("How much the idle tunnel may say: normal or metered.", valueName: "profile"))
  var profile: String?

  @Flag(help: "Show every file and command, and change nothing.")
  var dryRun = false

  @Flag(help: "With --to: install for the box's account alone, even when it is root.")
  var userService = false

  @Flag(help: "With --bundle: for a box that has ssh or dbclient, and on which fleet-agent does not run.")
  var shell = false

  func run() throws {
    guard many.isGiven else { return try run(.provision) }
    let isOfOneBox = name != nil || to != nil || carried.isGiven || userService || shell || dryRun
    guard !isOfOneBox, tags.isEmpty, profile == nil else {
      throw Refusal(
        .usage, "with --from the devices stand in the file",
        hint: "fleet provision --from devices.csv --bundle-dir bundles")
    }
    try many.provision(user: user, lifetime: lifetime(), port: carried.port(), agent: carried.agent)
  }

  /// Also what `fleet replace` does.
  func run(_ request: LeaseRequest) throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let user = try user.map { text throws(Refusal) in try LoginName(validating: text) }
    let port = try carried.givenPort()
    let lifetime = try lifetime()
    let tags = try Tag.all(tags)
    let givenProfile = try profile.map { text throws(Refusal) in try Self.profile(text) }
    switch (to, carried.isGiven) {
    case (let to?, false) where !shell && lifetime == nil && !many.isGiven:
      let target = try BoxTarget(parsing: to)
      let hostA = try LaptopContext().hostA
      _ = try request.present(device, hostA)
      let bench = try BenchProvisioning(
        request: request, device: device, target: target, user: user, sshdPort: port, tags: tags,
        profile: givenProfile ?? .normal, agent: carried.agent, asUser: userService, hostA: hostA,
        files: DeviceFiles.find())
      try dryRun ? bench.dryRun() : bench.run()
    case (nil, true)
    where !userService && !(shell && (carried.agent != nil || givenProfile != nil)) && !many.isGiven:
      let hostA = try LaptopContext().hostA
      let present = try request.present(device, hostA)
      let files = try DeviceFiles.find()
      let login = try user ?? present?.user ?? CarriedOptions.login(nil)
      let bundle = try BundleProvisioning(
        request: request, device: device, place: carried.place(files, isShell: shell), user: login,
        sshdPort: port ?? TCPPort(22)!, tags: tags, profile: givenProfile ?? .normal, lifetime: lifetime,
        agent: carried.agent, isShell: shell, hostA: hostA, files: files)
      try dryRun ? bundle.dryRun() : bundle.run()
    default:
      throw Refusal(
        .usage, "say one of --to, --bundle and --image, with options that belong to it",
        hint: "fleet \(request.rawValue) NAME --to USER@BOX, or --bundle FILE.tar, or --image MOUNTPOINT")
    }
  }

  private func lifetime() throws(Refusal) -> Lifetime? {
    guard let expires else { return nil }
    return try Lifetime(parsing: expires)
  }

  private static func profile(_ text: String) throws(Refusal) -> TrafficProfile {
    guard let profile = TrafficProfile(rawValue: text) else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 40))' is not a profile",
        hint: "use \(TrafficProfile.allCases.map(\.rawValue).joined(separator: " or "))")
    }
    return profile
  }
}
