import ArgumentParser
import FleetProtocol

struct ProvisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provision", abstract: "Make a box a device of the fleet.",
    usage: "fleet provision NAME [--user LOGIN] (--to [USER@]BOX[:PORT] | --bundle FILE.tar)",
    discussion: """
      With --to the box is on the bench and ssh reaches it: the agent is copied, its key is made there, the box's \
      host keys are read and pinned, the agent is installed and started, and the command waits until the device \
      is online. As root the agent becomes a system service, otherwise a service of the account (systemd or cron).

      With --bundle the box is not here: the archive holds the agent, its key and an install.sh. The device's host \
      keys are recorded at its first contact, and pinned from then on. With --shell besides, the archive holds a shell \
      script around the ssh, or Dropbear's dbclient, that is on the box: for boxes that fleet-agent does not run on.

      A failure says what was done; running the same command again continues.

      EXAMPLE
        fleet provision kitchen-pi --to pi@192.168.1.50
        fleet provision attic-pi --user pi --bundle attic-pi.tar
        fleet provision router --user root --shell --bundle router.tar
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

  @Flag(help: "With --to: install for the box's account alone, even when it is root.")
  var userService = false

  @Flag(help: "With --bundle: for a box that has ssh or dbclient, and on which fleet-agent does not run.")
  var shell = false

  func run() throws { try run(.provision) }

  /// Also what `fleet replace` does.
  func run(_ request: LeaseRequest) throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
    let device = try DeviceName(validating: name)
    let user = try user.map { text throws(Refusal) in try LoginName(validating: text) }
    let port = try sshdPort.map { text throws(Refusal) in try Self.port(text) }
    let context = try LaptopContext()
    // A device that is not there has no hardware to replace: HostA says so before anything is made or touched.
    let present = request == .replace ? try context.hostA.show(device).device : nil
    switch (to, bundle) {
    case (let to?, nil) where !shell:
      let target = try BoxTarget(parsing: to)
      try BenchProvisioning(
        request: request, device: device, target: target, user: user, sshdPort: port, agent: agent,
        asUser: userService, hostA: context.hostA, files: DeviceFiles.find()
      ).run()
    case (nil, let bundle?) where !bundle.isEmpty && !userService && !(shell && agent != nil):
      guard let login = try user ?? present?.user ?? LaptopEnvironment.loginName.map({ try LoginName(validating: $0) })
      else {
        throw Refusal(.usage, "which account do people log in to on the box?", hint: "give it with --user")
      }
      try BundleProvisioning(
        request: request, device: device, file: bundle, user: login, sshdPort: port ?? TCPPort(22)!, agent: agent,
        isShell: shell, hostA: context.hostA, files: DeviceFiles.find()
      ).run()
    default:
      throw Refusal(
        .usage, "say either --to or --bundle",
        hint: "fleet \(request.rawValue) NAME --to USER@BOX, or --bundle FILE.tar")
    }
  }

  private static func port(_ text: String) throws(Refusal) -> TCPPort {
    guard let port = TCPPort(parsing: text) else {
      throw Refusal(.usage, "'\(DisplayText.escaped(text, limit: 40))' is not a port", hint: "1 to 65535")
    }
    return port
  }
}
