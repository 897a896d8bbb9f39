import FleetProtocol
import FleetSSH

/// The device's private key on disk.
enum KeyFile {
  /// The public key's line, after making the key if the file is not there. Throws `key-invalid` or `io-failed`.
  static func publicLine(makingAt path: String) throws(Refusal) -> String {
    guard !File.exists(path) else {
      let text = String(decoding: try File.read(path, limit: Limits.line), as: UTF8.self)
      return try OpenSSHPrivateKey(parsing: text).publicLine
    }
    let key = try newKey()
    try File.create(path, text(of: key))
    return key.publicLine
  }

  /// Throws `io-failed`.
  static func newKey() throws(Refusal) -> OpenSSHPrivateKey {
    let made: Ed25519Key
    do { made = try Ed25519Key() } catch { throw Refusal(.ioFailed, "libcrypto cannot make an ed25519 key") }
    return OpenSSHPrivateKey(seed: made.seed, publicKey: made.publicKey)
  }

  /// What stands in the file.
  static func text(of key: OpenSSHPrivateKey) -> [UInt8] {
    Array(key.text(comment: "fleet-agent", check: .random(in: .min ... .max)).utf8)
  }
}
