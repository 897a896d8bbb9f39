import FleetProtocol

/// A host key with the fingerprint that a person compares.
struct ScannedHostKey: Hashable {
  let key: PublicKey
  /// `SHA256:` and 43 characters of base64.
  let fingerprint: String
}

/// Reads what ssh-keyscan(1) prints: lines of a known_hosts file.
enum HostKeyScan {
  /// The keys in ssh-keyscan's output; lines that are not keys are passed over.
  static func keys(in output: String) -> [PublicKey] {
    var keys: [PublicKey] = []
    for line in output.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      guard let space = line.firstIndex(of: " "),
        let key = try? PublicKey(parsing: line[line.index(after: space)...]), !keys.contains(key)
      else { continue }
      keys.append(key)
      if keys.count == Limits.hostKeys { break }
    }
    return keys
  }

  static func isFingerprint(_ text: some StringProtocol) -> Bool {
    text.hasPrefix("SHA256:") && text.utf8.count == 50
      && text.utf8.dropFirst(7).allSatisfy { $0 == 0x2B || (0x2F...0x39).contains($0) || isLetter($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
