import ArgumentParser
import FleetProtocol

struct LoginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login", abstract: "Tell this laptop which HostA to use.",
    usage: "fleet login ACCOUNT@HOST[:PORT] [--host-key SHA256:...] [--identity FILE]",
    discussion: """
      'fleet-server init' on HostA prints the line to paste, with the fingerprint. Without --host-key it is \
      shown and a person must confirm it. The port is 2222 unless given. Nothing is written before HostA has \
      accepted this laptop's key.

      EXAMPLE
        fleet login fleet@hosta.example
        fleet login fleet@hosta.example:2222 --identity ~/.ssh/id_fleet
      """)

  @Argument(help: ArgumentHelp("The account and address of HostA.", valueName: "account@host[:port]"))
  var target: String?

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
    let paths = try LaptopEnvironment.paths()
    var configuration = try LaptopEnvironment.configuration(paths)
    let keys = try HostKeyConfirmation.confirmedKeys(of: login, expected: hostKey)
    let host = configuration.add(
      account: login.account, address: login.address, port: login.port,
      identity: try identity.map { path throws(Refusal) in try absoluteIdentity(path) }, hostKeys: keys)
    let answer = try LoginCheck.version(of: host, paths: paths)
    try FileStore.replace(paths.hostPins, with: configuration.pins.utf8)
    try FileStore.replace(paths.configurationFile, with: configuration.text.utf8)
    StandardStreams.note(
      """
      HostA \(host.address) port \(host.port) knows you as \(answer.operatorName) (fleet-server \(answer.version))
      wrote \(paths.configurationFile) and \(paths.hostPins)
      next: fleet provision NAME --to USER@BOX, or fleet list
      """)
  }

  private func absoluteIdentity(_ path: String) throws(Refusal) -> String {
    guard FileStore.exists(path) else {
      throw Refusal(.usage, "there is no file \(DisplayText.escaped(path, limit: 200))", hint: "give a private key")
    }
    let absolute = path.hasPrefix("/") ? path : "\(LaptopEnvironment.currentFolder)/\(path)"
    // ssh expands ${...} in such a path and knows no way to write it plainly.
    guard !absolute.contains("${"), DisplayText.escaped(absolute) == absolute else {
      throw Refusal(.usage, "ssh cannot use a key whose path holds '${' or control characters")
    }
    return absolute
  }
}

/// Asks HostA for its version with keys that are not written down yet.
enum LoginCheck {
  static func version(
    of host: ConfiguredHost, paths: FleetPaths
  ) throws(Refusal) -> (version: String, operatorName: String) {
    let folder = try FileStore.makeTemporaryFolder()
    let trial = FleetPaths(home: folder, xdgConfigHome: folder, xdgStateHome: folder)
    defer {
      FileStore.remove(files: ["known_hosts"], in: trial.stateFolder)
      FileStore.remove(files: [], in: folder)
    }
    try FileStore.replace(trial.hostPins, with: KnownHosts.text(name: host.hostKeyAlias, keys: host.hostKeys).utf8)
    return try HostRequest(host: host, paths: trial).version()
  }
}
