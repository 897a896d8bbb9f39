import FleetProtocol
import FleetSSH

/// Host keys as the lines of `.pub` files.
enum HostKeyLines {
  /// The keys that these blobs are; those of kinds that the protocol does not know are left out.
  static func keys(of blobs: [[UInt8]]) -> [PublicKey] {
    blobs.compactMap { blob in
      SSHKeyBlob.algorithm(of: blob).flatMap { try? PublicKey(parsing: "\($0) \(Base64.encode(blob))") }
    }
  }
}

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
