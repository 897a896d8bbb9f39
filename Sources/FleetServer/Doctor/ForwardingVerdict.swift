import FleetProtocol

/// What sshd lets a device's key forward, whatever its line says.
enum ForwardingVerdict {
  /// - Parameter ports: the leased ones, of which one stands for all that are not leased yet.
  static func findings(_ policy: SSHDPolicy, ports: [TCPPort], place: SSHDConfigurationPlace) -> [HostFinding] {
    [
      allowTCPForwarding(policy, place), disableForwarding(policy, place),
      permitted(
        policy, ports, .permitListen, "PermitListen", "sshd refuses the port that the registry leased to a device",
        place),
      permitted(
        policy, ports, .permitOpen, "PermitOpen", "no agent can prove its tunnel through HostA, so none believes in it",
        place),
      allowStreamLocalForwarding(policy, place), streamLocalBindUnlink(policy, place), gatewayPorts(policy, place),
    ]
  }

  private static func allowTCPForwarding(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    let value = policy.value("allowtcpforwarding") ?? "yes"
    let consequence: String
    switch value {
    case "yes", "all": return .fine(.allowTCPForwarding, "AllowTcpForwarding \(value)")
    case "remote": consequence = "no agent can prove its tunnel through HostA, so none believes in it"
    default: consequence = "sshd refuses every device's tunnel"
    }
    return HostFinding(
      .serious, .allowTCPForwarding, "AllowTcpForwarding \(DisplayText.escaped(value, limit: 40))",
      consequence: consequence, mend: place.mend("AllowTcpForwarding yes"))
  }

  private static func disableForwarding(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    guard policy.value("disableforwarding") == "yes" else { return .fine(.disableForwarding, "DisableForwarding no") }
    return HostFinding(
      .serious, .disableForwarding, "DisableForwarding yes", consequence: "sshd refuses every device's tunnel",
      mend: place.mend("DisableForwarding no"))
  }

  private static func permitted(
    _ policy: SSHDPolicy, _ ports: [TCPPort], _ code: HostFinding.Code, _ keyword: String, _ consequence: String,
    _ place: SSHDConfigurationPlace
  ) -> HostFinding {
    let words = policy.words(keyword.lowercased()) ?? ["any"]
    let shown = "\(keyword) \(DisplayText.escaped(words.joined(separator: " "), limit: 80))"
    if words == ["any"] || ports.allSatisfy({ port in words.contains { permits($0, port) } }) {
      return .fine(code, shown)
    }
    return HostFinding(
      .serious, code, shown, consequence: consequence, mend: place.mend("\(keyword) \(Loopback.address):*"))
  }

  /// Whether `127.0.0.1:*`, `*:20000` or `20000` lets through the port of `Loopback.address`.
  private static func permits(_ word: String, _ port: TCPPort) -> Bool {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let last = parts.last, last == "*" || last == port.description else { return false }
    return parts.count == 1 || parts[0] == "*" || parts[0] == Loopback.address
  }

  private static func allowStreamLocalForwarding(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    let value = policy.value("allowstreamlocalforwarding") ?? "yes"
    let shown = "AllowStreamLocalForwarding \(DisplayText.escaped(value, limit: 40))"
    let consequence: String
    switch value {
    case "no": return .fine(.allowStreamLocalForwarding, shown)
    case "local": consequence = "a device can connect to every Unix socket that the account may use"
    default:
      consequence =
        "a device can put a socket file wherever the account may write, and with it stop every change of the registry"
    }
    return HostFinding(
      .serious, .allowStreamLocalForwarding, shown, consequence: consequence,
      mend: place.mend("AllowStreamLocalForwarding no"))
  }

  private static func streamLocalBindUnlink(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    guard policy.value("streamlocalbindunlink") == "yes" else {
      return .fine(.streamLocalBindUnlink, "StreamLocalBindUnlink no")
    }
    let isClosed = ["no", "local"].contains(policy.value("allowstreamlocalforwarding"))
    return HostFinding(
      isClosed ? .warning : .serious, .streamLocalBindUnlink, "StreamLocalBindUnlink yes",
      consequence: isClosed
        ? "if Unix sockets were ever forwarded, a device could delete any file of the account"
        : "a device can delete any file of the account, the registry among them",
      mend: place.mend("StreamLocalBindUnlink no"))
  }

  private static func gatewayPorts(_ policy: SSHDPolicy, _ place: SSHDConfigurationPlace) -> HostFinding {
    let value = policy.value("gatewayports") ?? "no"
    let shown = "GatewayPorts \(DisplayText.escaped(value, limit: 40))"
    switch value {
    case "no": return .fine(.gatewayPorts, shown)
    case "clientspecified":
      return HostFinding(
        .warning, .gatewayPorts, shown,
        consequence: "only the key line still keeps a device's port on HostA's loopback",
        mend: place.mend("GatewayPorts no"))
    default:
      return HostFinding(
        .serious, .gatewayPorts, shown,
        consequence: "every device's port stands open to everybody who reaches HostA, past fleet and its audit",
        mend: place.mend("GatewayPorts no"))
    }
  }
}
