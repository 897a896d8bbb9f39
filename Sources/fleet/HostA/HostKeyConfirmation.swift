import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The first meeting with HostA: its host keys are taken only when somebody vouches for the fingerprint.
enum HostKeyConfirmation {
  /// The keys to pin. With `expected`, only the key of that fingerprint; otherwise those a person said yes to.
  ///
  /// Throws `host-unreachable`, `host-key-changed` or `host-key-unconfirmed`.
  static func confirmedKeys(of target: LoginTarget, expected: String?) throws(Refusal) -> [PublicKey] {
    let scanned = try scan(target)
    if let expected {
      guard let match = scanned.first(where: { $0.fingerprint == expected }) else {
        let shown = scanned.map { "\($0.fingerprint) (\($0.key.algorithm))" }.joined(separator: ", ")
        throw Refusal(
          .hostKeyChanged, "HostA (\(target.address) port \(target.port)) does not have that host key: \(shown)",
          hint: "compare with what 'fleet-server init' printed; if they differ, somebody may stand in between")
      }
      return [match.key]
    }
    StandardStreams.note("HostA \(target.address) port \(target.port) shows")
    for key in scanned { StandardStreams.note("  \(key.fingerprint)  \(key.key.algorithm)") }
    guard LaptopEnvironment.isTerminal(STDIN_FILENO), LaptopEnvironment.isTerminal(STDERR_FILENO) else {
      throw Refusal(
        .hostKeyUnconfirmed, "nobody is here to confirm the fingerprint of HostA",
        hint: "compare it with what 'fleet-server init' printed, and give it with --host-key")
    }
    StandardStreams.note("Is one of them what 'fleet-server init' printed on HostA? Type yes to trust it.")
    guard readLine()?.lowercased() == "yes" else {
      throw Refusal(.hostKeyUnconfirmed, "the fingerprint of HostA was not confirmed, so nothing was written")
    }
    return scanned.map(\.key)
  }

  private static func scan(_ target: LoginTarget) throws(Refusal) -> [ScannedHostKey] {
    let outcome = try Subprocess.run(["ssh-keyscan", "-T", "10", "-p", target.port.description, "--", target.address])
    let keys = HostKeyScan.keys(in: outcome.text)
    guard !keys.isEmpty else {
      let said = outcome.errorText.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
      throw HostUnreachable.refusal(
        address: target.address, port: target.port, errorText: said.joined(separator: "\n"))
    }
    // ed25519 comes first: it is the one that fleet-server makes and prints.
    return keys.sorted(by: KeyFingerprint.isBefore).map {
      ScannedHostKey(key: $0, fingerprint: KeyFingerprint.of($0))
    }
  }
}
