/// An SSH public key as OpenSSH writes it, `ssh-ed25519 AAAA...`, without its comment.
///
/// Whoever holds one knows that its text is one line of plain ASCII that cannot carry options, quotes or a
/// second line into a key file or a known_hosts file.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
  /// The algorithm's name, `ssh-ed25519`.
  public let algorithm: String
  /// The key's blob (RFC 4253 section 6.6) in canonical base64.
  public let base64: String

  /// Algorithms that are accepted for operators and as host keys: what OpenSSH makes today.
  public static let algorithms = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
  ]

  /// Parses one line of a `.pub` file. A comment may follow and is dropped; options may not precede.
  ///
  /// Throws `key-invalid`.
  public init(parsing line: some StringProtocol) throws(Refusal) {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    guard words.count >= 2, !line.contains(where: \.isNewline), words[1].utf8.count <= Limits.publicKey,
      let algorithm = Self.algorithms.first(where: { $0 == words[0] }),
      let blob = Base64.decode(words[1]), Self.name(in: blob) == algorithm
    else {
      throw Refusal(
        .keyInvalid, "'\(DisplayText.escaped(line, limit: 40))' is not an SSH public key",
        hint: "give the one line of a .pub file, such as ~/.ssh/id_ed25519.pub")
    }
    self.algorithm = algorithm
    base64 = String(words[1])
  }

  /// The key as one line without comment.
  public var description: String { "\(algorithm) \(base64)" }

  /// The algorithm's name that stands at the head of the blob, which must be the one in front of the base64.
  private static func name(in blob: [UInt8]) -> String? {
    guard blob.count > 4 else { return nil }
    let length = blob[0..<4].reduce(0) { $0 << 8 | Int($1) }
    guard length > 0, length < blob.count - 4 else { return nil }
    return String(validating: blob[4..<(4 + length)], as: UTF8.self)
  }
}
