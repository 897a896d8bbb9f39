import FleetProtocol

/// Looks which keys ssh would show HostA, without asking anybody for a passphrase.
enum KeyInspection {
  /// Throws `tool-missing` or `io-failed`.
  static func keys(for host: ConfiguredHost) throws(Refusal) -> LaptopKeys {
    let agent = try agent()
    let files = if let identity = host.identity { [identity] } else { try usualFiles(for: host) }
    var facts: [KeyFacts] = []
    for file in files { facts.append(try look(at: file, agent: Set(agent ?? []))) }
    return LaptopKeys(files: facts, isChosen: host.identity != nil, agent: agent)
  }

  private static func look(at file: String, agent: Set<String>) throws(Refusal) -> KeyFacts {
    let opened = try Subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", file])
    let listed = try Subprocess.run(["ssh-keygen", "-l", "-f", file])
    return KeyFacts(
      file: file, exists: FileStore.exists(file), status: opened.status, errorText: opened.errorText,
      listing: listed.text, agent: agent)
  }

  /// The fingerprints of what the agent holds; `nil` where there is none.
  private static func agent() throws(Refusal) -> [String]? {
    let outcome = try Subprocess.run(["ssh-add", "-l"])
    // 1 is an agent without a key.
    guard outcome.status == 0 || outcome.status == 1 else { return nil }
    return KeyFacts.fingerprints(in: outcome.text)
  }

  /// What is there of what ssh tries by itself, or by the person's own configuration.
  private static func usualFiles(for host: ConfiguredHost) throws(Refusal) -> [String] {
    let home = try LaptopEnvironment.home()
    let outcome = try Subprocess.run([
      "ssh", "-G", "-p", host.port.description, "-l", host.account.rawValue, "--", host.address,
    ])
    return IdentityFiles.inResolved(outcome.text, home: home).filter(FileStore.exists)
  }
}
