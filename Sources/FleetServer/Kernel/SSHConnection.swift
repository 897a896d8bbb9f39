import FleetProtocol

/// The two ends of an SSH connection, as sshd tells them in SSH_CONNECTION.
struct SSHConnection: Hashable, CustomStringConvertible {
  var remote: IPAddress
  var remotePort: TCPPort
  var local: IPAddress
  var localPort: TCPPort

  init(remote: IPAddress, remotePort: TCPPort, local: IPAddress, localPort: TCPPort) {
    self.remote = remote
    self.remotePort = remotePort
    self.local = local
    self.localPort = localPort
  }

  /// Parses `CLIENT-ADDRESS CLIENT-PORT SERVER-ADDRESS SERVER-PORT`.
  init?(parsing text: some StringProtocol) {
    let words = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard words.count == 4, let remote = IPAddress(parsing: words[0]), let remotePort = TCPPort(parsing: words[1]),
      let local = IPAddress(parsing: words[2]), let localPort = TCPPort(parsing: words[3])
    else { return nil }
    self.init(remote: remote, remotePort: remotePort, local: local, localPort: localPort)
  }

  var description: String { "\(remote) \(remotePort) \(local) \(localPort)" }
}
