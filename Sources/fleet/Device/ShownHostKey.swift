import FleetProtocol

/// The host key that a server shows, as ssh tells it: of any type, also inside a certificate.
struct ShownHostKey: Hashable {
  /// `ssh-ed25519`; of a certificate, the type of the key in it.
  let plainType: String
  /// The key's blob (RFC 4253 section 6.6).
  private let blob: [UInt8]

  private static let certificateMark = "-cert-v01@openssh.com"
  /// How many fields of a certificate (PROTOCOL.certkeys) are the key's own, behind its type and the nonce.
  private static let keyFields = [
    "ssh-ed25519": 1, "ssh-rsa": 2, "ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2,
  ]

  /// `nil` for what is no key.
  init?(type: String, base64: String) {
    guard let blob = Base64.decode(base64), !blob.isEmpty, DisplayText.escaped(type) == type,
      !type.utf8.contains(UInt8(ascii: " "))
    else { return nil }
    guard type.hasSuffix(Self.certificateMark) else {
      (plainType, self.blob) = (type, blob)
      return
    }
    plainType = String(type.dropLast(Self.certificateMark.count))
    guard let count = Self.keyFields[plainType], let fields = Self.fields(of: blob, count: 2 + count) else {
      return nil
    }
    self.blob = Self.field(Array(plainType.utf8)) + fields.dropFirst(2).flatMap(Self.field)
  }

  var fingerprint: String { KeyFingerprint.of(blob: blob) }

  /// The same key as one that can be recorded; `nil` for a type that OpenSSH does not make today.
  var key: PublicKey? { try? PublicKey(parsing: "\(plainType) \(Base64.encode(blob))") }

  func isSame(as key: PublicKey) -> Bool { key.algorithm == plainType && Base64.decode(key.base64) == blob }

  private static func field(_ content: [UInt8]) -> [UInt8] {
    let count = UInt32(content.count)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + content
  }

  /// The first `count` strings of a blob, `nil` where there are fewer.
  private static func fields(of blob: [UInt8], count: Int) -> [[UInt8]]? {
    var rest = blob[...]
    var fields: [[UInt8]] = []
    for _ in 0..<count {
      guard rest.count >= 4 else { return nil }
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard length <= rest.count else { return nil }
      fields.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return fields
  }
}
