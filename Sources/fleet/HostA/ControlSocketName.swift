import FleetProtocol

/// How the control sockets of connections are called that are used again. What may not share a connection never has the
/// same name: another HostA, configuration, key, network, device or account.
enum ControlSocketName {
  /// Of the connection to HostA. `localAddress` is this laptop's own, and `agent` the ssh-agent's socket.
  static func host(_ host: ConfiguredHost, paths: FleetPaths, localAddress: String, agent: String?) -> String {
    "h" + digest(scope(host, paths, localAddress, agent), length: 14)
  }

  /// Of a device's connections, whoever logs in there.
  static func device(
    _ device: DeviceName, host: ConfiguredHost, paths: FleetPaths, localAddress: String, agent: String?
  ) -> String {
    "d" + digest(scope(host, paths, localAddress, agent) + [device.rawValue], length: 14)
  }

  /// Of the connection to one account of a device, whose name begins like the device's; `nil` is the device's usual one.
  static func account(_ user: String?, of deviceStem: String) -> String {
    deviceStem + (user.map { digest([$0], length: 6) } ?? "000000")
  }

  /// The folders where sockets may lie, the best first, those left out whose sockets would have too long a path.
  static func folders(runtimeFolder: String?, stateFolder: String) -> [String] {
    let runtime = runtimeFolder.flatMap { $0.hasPrefix("/") ? ["\($0)/fleet"] : nil } ?? []
    return (runtime + ["\(stateFolder)/run"]).filter { $0.utf8.count + longestName <= 103 }
  }

  /// A slash, the longest name, a dot with a process id of 7 digits, and the 17 characters that ssh itself appends while
  /// it makes the socket. macOS allows 103 in all.
  private static let longestName = 1 + 21 + 8 + 17

  private static func scope(
    _ host: ConfiguredHost, _ paths: FleetPaths, _ localAddress: String, _ agent: String?
  ) -> [String] {
    [
      paths.configurationFolder, paths.stateFolder, host.name, host.account.rawValue, host.address,
      host.port.description, host.identity ?? "", localAddress, agent ?? "",
    ] + host.hostKeys.map(\.description)
  }

  /// Lower-case base32: file names may not differ by case alone on macOS.
  private static func digest(_ parts: [String], length: Int) -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    let bytes = SHA256.digest(parts.flatMap { Array($0.utf8) + [0] })
    return String((0..<length).map { alphabet[Int(bytes[$0] & 31)] })
  }
}
