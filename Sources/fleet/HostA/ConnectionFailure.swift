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
      return pins(of: host, paths).isEmpty ? SSHFailure.lostPins(paths.hostPins) : refusal
    default: return refusal
    }
  }

  /// HostA's keys as ssh is told them.
  static func pins(of host: ConfiguredHost, _ paths: FleetPaths) -> [PublicKey] {
    let content = String(decoding: (try? FileStore.content(of: paths.hostPins)) ?? [], as: UTF8.self)
    let lines = content.split(separator: "\n").filter { $0.hasPrefix("\(host.hostKeyAlias) ") }
    return HostKeyScan.keys(in: lines.joined(separator: "\n"))
  }
}
