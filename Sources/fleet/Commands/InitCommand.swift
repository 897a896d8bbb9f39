import ArgumentParser
import FleetProtocol

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make an account on a machine with a public address HostA, and log in.",
    usage: "fleet init ACCOUNT@HOST[:PORT] [--address HOST] [--listen ADDRESS:PORT] [--operator NAME]",
    discussion: """
      Your own ssh must reach the account. fleet-server is copied there and set up with this laptop's key as the \
      first operator's, a service of the account is installed (systemd, or cron where there is none), and this laptop \
      is logged in with the fingerprint that came over your ssh. As root it becomes a system service with an account \
      of its own.

      A failure says what was done; running the same command again continues.

      EXAMPLE
        fleet init fleet@hosta.example
        fleet init admin@10.0.0.7 --address hosta.example --listen 0.0.0.0:2222
      """)

  @Argument(help: ArgumentHelp("The machine; ssh's aliases work.", valueName: "account@host[:port]"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The name or address under which devices and laptops reach it; by default where ssh goes.", valueName: "host"))
  var address: String?

  @Option(
    help: ArgumentHelp("Where HostA's own sshd listens; by default 0.0.0.0:2222.", valueName: "address:port"))
  var listen: String?

  @Option(help: ArgumentHelp("The ports that devices are leased; by default 20000-29999.", valueName: "first-last"))
  var ports: String?

  @Option(help: ArgumentHelp("What HostA calls you; by default your name on this laptop.", valueName: "name"))
  var `operator`: String?

  @Option(
    help: ArgumentHelp(
      "The private key to be known by; by default the one in ~/.ssh, which is made if there is none.",
      valueName: "file"))
  var identity: String?

  @Option(
    help: ArgumentHelp("The fleet-server program for it; by default the one beside fleet.", valueName: "file"))
  var server: String?

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  func run() throws {
    guard let target else { throw Refusal(.usage, "which machine?", hint: Self.configuration.usage) }
    if let address, !HostAddress.isAddress(address) {
      throw Refusal(.usage, "--address '\(DisplayText.escaped(address, limit: 60))' is not a host name or an address")
    }
    guard let name = `operator` ?? LaptopEnvironment.loginName else {
      throw Refusal(.usage, "what shall HostA call you?", hint: "give it with --operator NAME")
    }
    let setup = HostSetup(
      target: try BoxTarget(parsing: target), address: address, listen: listen, ports: ports,
      operatorName: try OperatorName(validating: name), identity: identity, server: server,
      files: try ServerFiles.find())
    if dryRun { try setup.rehearse() } else { try setup.run() }
  }
}
