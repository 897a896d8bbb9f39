import FleetProtocol

/// Makes a HostA the one that this laptop uses. Nothing is written before HostA has accepted the laptop's key.
enum Login {
  /// What HostA said to its new operator's laptop.
  struct Answer {
    let host: ConfiguredHost
    let version: String
    let operatorName: String
    /// Which HostA is meant where none is named.
    let defaultHost: String
  }

  /// Without `hostKey` a person must confirm the fingerprint. `identity` is an absolute path, `name` what HostA shall be
  /// called on this laptop.
  ///
  /// Throws `host-unreachable`, `host-key-changed`, `host-key-unconfirmed`, `name-taken` and what HostA refuses.
  static func perform(
    _ login: LoginTarget, name: String? = nil, hostKey: String?, identity: String?
  ) throws(Refusal) -> Answer {
    let paths = try LaptopEnvironment.paths()
    var configuration = try LaptopEnvironment.configuration(paths)
    let keys = try HostKeyConfirmation.confirmedKeys(of: login, expected: hostKey)
    let host = try configuration.add(login, name: name, identity: identity, hostKeys: keys)
    let answer = try version(of: host)
    configuration.note(operatorName: try? OperatorName(validating: answer.operatorName), of: host)
    try KnownHostAs.write(configuration, paths)
    return Answer(
      host: host, version: answer.version, operatorName: answer.operatorName,
      defaultHost: try configuration.host(named: nil).name)
  }

  /// A private key's file as ssh can be told it from any folder. Throws `usage`.
  static func absoluteIdentity(_ path: String) throws(Refusal) -> String {
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

  /// Asks HostA with keys that are not written down yet.
  private static func version(of host: ConfiguredHost) throws(Refusal) -> (version: String, operatorName: String) {
    let folder = try FileStore.makeTemporaryFolder()
    let trial = FleetPaths(home: folder, xdgConfigHome: folder, xdgStateHome: folder)
    defer {
      FileStore.remove(files: ["known_hosts"], in: trial.stateFolder)
      FileStore.remove(files: [], in: folder)
    }
    try FileStore.replace(trial.hostPins, with: KnownHosts.text(name: host.hostKeyAlias, keys: host.hostKeys).utf8)
    return try HostRequest(host: host, paths: trial, reuse: .off).version()
  }
}
