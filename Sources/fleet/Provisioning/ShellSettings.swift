import FleetProtocol

/// What the shell agent is told: the text of its `settings`, and of the known_hosts file that pins HostA.
struct ShellSettings: Hashable {
  let device: DeviceID
  let name: DeviceName
  let port: TCPPort
  let host: HostAddress
  let sshdPort: TCPPort

  /// Lines `KEY='value'`, which the agent reads and never runs. No value can hold a quote: each comes from a type
  /// that allows none.
  var text: String {
    let endpoints = host.endpoints.map { "\($0.address)/\($0.port)" }.joined(separator: " ")
    let lines = [
      ("DEVICE", device.rawValue), ("PORT", "\(port)"), ("ACCOUNT", host.account.rawValue), ("ENDPOINTS", endpoints),
      ("SSHD_PORT", "\(sshdPort)"), ("REPORT_HOST_KEYS", "yes"),
      ("CANARY_S", "\(TrafficProfile.normal.canary_s)"), ("CLIENT", "auto"),
    ]
    return "# \(name)\n" + lines.map { "\($0)='\($1)'\n" }.joined()
  }

  /// Plain addresses without ports: that is how dbclient looks, and ssh is told to.
  var knownHosts: String {
    var addresses: [String] = []
    for endpoint in host.endpoints where !addresses.contains(endpoint.address) { addresses.append(endpoint.address) }
    return addresses.map { KnownHosts.text(name: $0, keys: host.hostKeys) }.joined()
  }
}
