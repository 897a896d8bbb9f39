import FleetProtocol

/// Explains why HostA gave no answer, with a look at this laptop's own keys and pins where they may be the reason.
enum ConnectionFailure {
  static func refusal(host: ConfiguredHost, paths: FleetPaths, exitStatus: Int32, errorText: String) -> Refusal {
    let refusal = SSHFailure.refusal(host: host, exitStatus: exitStatus, errorText: errorText)
    switch refusal.code {
    case .notAnOperator:
      guard let keys = try? KeyInspection.keys(for: host) else { return refusal }
      return SSHFailure.refusal(host: host, refusing: keys)
    case .hostKeyChanged:
      return arePinned(host, paths) ? refusal : SSHFailure.lostPins(paths.hostPins)
    default: return refusal
    }
  }

  /// Whether ssh is told HostA's keys as the configuration has them.
  static func arePinned(_ host: ConfiguredHost, _ paths: FleetPaths) -> Bool {
    let pins = (try? FileStore.content(of: paths.hostPins)) ?? []
    let lines = Set(String(decoding: pins, as: UTF8.self).split(separator: "\n"))
    return KnownHosts.text(name: host.hostKeyAlias, keys: host.hostKeys).split(separator: "\n").allSatisfy(
      lines.contains)
  }
}
