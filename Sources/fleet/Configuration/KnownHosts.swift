import FleetProtocol

/// The text of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
enum KnownHosts {
  /// One line for each key, all under one plain name.
  static func text(name: String, keys: [PublicKey]) -> String {
    keys.map { "\(name) \($0)\n" }.joined()
  }
}
