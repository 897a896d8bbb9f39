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
