import ArgumentParser
import FleetProtocol

struct LoginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login", abstract: "Tell this laptop which HostA to use.",
    usage: "fleet login ACCOUNT@HOST[:PORT] [--name NAME] [--host-key SHA256:...] [--identity FILE]",
    discussion: """
      'fleet-server init' on HostA prints the line to paste, with the fingerprint. Without --host-key it is \
      shown and a person must confirm it. The port is 2222 unless given. Nothing is written before HostA has \
      accepted this laptop's key.

      A laptop may know several HostAs. A new one is meant from then on where none is named; 'fleet hosts default' \
      changes that.

      EXAMPLE
        fleet login fleet@hosta.example
        fleet login fleet@hosta.example:2222 --identity ~/.ssh/id_fleet
        fleet login --name office fleet@hosta.office.example
      """)

  @Argument(help: ArgumentHelp("The account and address of HostA.", valueName: "account@host[:port]"))
  var target: String?

  @Option(help: ArgumentHelp("What it is called on this laptop; by default its address.", valueName: "name"))
  var name: String?

  @Option(help: ArgumentHelp("The fingerprint that HostA's host key must have.", valueName: "SHA256:..."))
  var hostKey: String?

  @Option(help: ArgumentHelp("The private key to use; otherwise ssh chooses.", valueName: "file"))
  var identity: String?

  func run() throws {
    guard let target else { throw Refusal(.usage, "which HostA?", hint: Self.configuration.usage) }
    let login = try LoginTarget(parsing: target)
    if let hostKey, !HostKeyScan.isFingerprint(hostKey) {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(hostKey, limit: 80))' is not a fingerprint",
        hint: "'fleet-server init' on HostA prints it: SHA256: and 43 characters")
    }
    if let name { try ConfiguredHost.checkName(name) }
    let answer = try Login.perform(
      login, name: name, hostKey: hostKey,
      identity: try identity.map { path throws(Refusal) in try Login.absoluteIdentity(path) })
    let paths = try LaptopEnvironment.paths()
    // How it is named, where there is another one.
    let isDefault = answer.host.name == answer.defaultHost
    let naming = isDefault ? "" : "--host \(answer.host.name) "
    StandardStreams.note(
      """
      HostA \(answer.host.address) port \(answer.host.port) knows you as \(answer.operatorName) \
      (fleet-server \(answer.version))
      wrote \(paths.configurationFile) and \(paths.hostPins)
      next: fleet \(naming)provision NAME --to USER@BOX, or fleet \(naming)list
      """)
  }
}
