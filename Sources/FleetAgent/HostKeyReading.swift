import FleetProtocol
import FleetSSH

extension HostKeyLines {
  /// The keys of the sshd on this machine's port. Throws `step-failed`.
  static func read(port: TCPPort) throws(Refusal) -> [PublicKey] {
    let blobs: [[UInt8]]
    do { blobs = try HostKeyScan.keys(port: port.rawValue) } catch {
      throw Refusal(
        .stepFailed, "the sshd on \(Loopback.address) port \(port) shows no host key: \(error.text)",
        hint: "check that sshd runs and listens there")
    }
    let keys = keys(of: blobs)
    guard !keys.isEmpty else { throw Refusal(.stepFailed, "the sshd shows only keys of unknown kinds") }
    return keys
  }
}
