import FleetProtocol

/// An ed25519 key in the form that Dropbear's dbclient reads, from OpenSSH's.
enum DropbearKey {
  private static let algorithm = Array("ssh-ed25519".utf8)

  /// What Dropbear keeps in a file: the algorithm's name, then the seed and the public key, both as strings of RFC 4251.
  /// `nil` for anything but the text of an ed25519 key without a passphrase.
  static func bytes(fromOpenSSH text: String) -> [UInt8]? {
    let lines = text.split(whereSeparator: \.isNewline)
    guard lines.first == "-----BEGIN OPENSSH PRIVATE KEY-----", lines.last == "-----END OPENSSH PRIVATE KEY-----",
      let container = Base64.decode(lines.dropFirst().dropLast().joined()),
      let pair = keyPair(inContainer: container)
    else { return nil }
    return string(algorithm) + string(pair)
  }

  /// The 64 bytes of seed and public key in OpenSSH's `openssh-key-v1`.
  private static func keyPair(inContainer bytes: [UInt8]) -> [UInt8]? {
    let magic = Array("openssh-key-v1\0".utf8)
    guard bytes.starts(with: magic) else { return nil }
    var rest = bytes.dropFirst(magic.count)
    guard take(&rest) == Array("none".utf8), take(&rest) == Array("none".utf8), take(&rest) == [] else { return nil }
    // How many keys: one. Then its public half, which stands in the secret too.
    guard number(&rest) == 1, take(&rest) != nil, let secret = take(&rest) else { return nil }
    var inner = secret[...]
    guard let check = number(&inner), check == number(&inner), take(&inner) == algorithm,
      let publicKey = take(&inner), publicKey.count == 32, let pair = take(&inner), pair.count == 64,
      pair[32...].elementsEqual(publicKey)
    else { return nil }
    return pair
  }

  private static func string(_ bytes: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
  }

  private static func number(_ bytes: inout ArraySlice<UInt8>) -> UInt32? {
    guard bytes.count >= 4 else { return nil }
    defer { bytes = bytes.dropFirst(4) }
    return bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  }

  private static func take(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard let length = number(&bytes), length <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return Array(bytes.prefix(Int(length)))
  }
}
