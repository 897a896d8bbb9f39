import FleetProtocol

/// A key as people compare it.
enum KeyFingerprint {
  /// `SHA256:` and 43 characters of base64, as OpenSSH prints it.
  static func of(_ key: PublicKey) -> String { of(blob: Base64.decode(key.base64) ?? []) }

  /// Of a key of any type, as its bytes are.
  static func of(blob: [UInt8]) -> String { "SHA256:" + Base64.encode(SHA256.digest(blob)).prefix { $0 != "=" } }

  /// The same key first that ssh itself asks for first: of several keys of a machine, a person compares that one.
  static func isBefore(_ left: PublicKey, _ right: PublicKey) -> Bool { rank(left) < rank(right) }

  private static func rank(_ key: PublicKey) -> Int { PublicKey.algorithms.firstIndex(of: key.algorithm) ?? .max }
}
