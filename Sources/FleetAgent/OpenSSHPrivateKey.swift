import FleetProtocol

/// An ed25519 key pair in OpenSSH's own file format, `openssh-key-v1`, without a passphrase.
struct OpenSSHPrivateKey: Hashable, Sendable {
  private static let algorithm = Array("ssh-ed25519".utf8)
  private static let magic = Array("openssh-key-v1\0".utf8)
  private static let begin = "-----BEGIN OPENSSH PRIVATE KEY-----"
  private static let end = "-----END OPENSSH PRIVATE KEY-----"

  /// 32 bytes each.
  let seed: [UInt8]
  let publicKey: [UInt8]

  init(seed: [UInt8], publicKey: [UInt8]) {
    self.seed = seed
    self.publicKey = publicKey
  }

  /// Parses the text of a key file. Throws `key-invalid` for anything but an ed25519 key without a passphrase.
  init(parsing text: String) throws(Refusal) {
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard lines.count >= 3, lines.first == Self.begin, lines.last == Self.end,
      let bytes = Base64.decode(lines.dropFirst().dropLast().joined()), let key = Self(container: bytes)
    else {
      throw Refusal(
        .keyInvalid, "the file is not an ed25519 private key without a passphrase",
        hint: "make one with fleet-agent keygen --out FILE")
    }
    self = key
  }

  /// The line of a `.pub` file, without a comment.
  var publicLine: String { "ssh-ed25519 \(Base64.encode(publicBlob))" }

  /// The text of the key's file. `check` is any number: the format repeats it to tell a wrong passphrase.
  func text(comment: String, check: UInt32) -> String {
    var secret = Self.number(check) + Self.number(check)
    for part in [Self.algorithm, publicKey, seed + publicKey, Array(comment.utf8)] { secret += Self.string(part) }
    var padding: UInt8 = 1
    while !secret.count.isMultiple(of: 8) {
      secret.append(padding)
      padding += 1
    }
    var container = Self.magic
    for part in [Array("none".utf8), Array("none".utf8), []] { container += Self.string(part) }
    container += Self.number(1) + Self.string(publicBlob) + Self.string(secret)
    let base64 = Array(Base64.encode(container).utf8)
    let lines = stride(from: 0, to: base64.count, by: 70).map {
      String(decoding: base64[$0..<min($0 + 70, base64.count)], as: UTF8.self)
    }
    return ([Self.begin] + lines + [Self.end]).map { $0 + "\n" }.joined()
  }

  private var publicBlob: [UInt8] { Self.string(Self.algorithm) + Self.string(publicKey) }

  private init?(container: [UInt8]) {
    guard container.starts(with: Self.magic) else { return nil }
    var rest = container.dropFirst(Self.magic.count)
    guard Self.takeString(&rest) == Array("none".utf8), Self.takeString(&rest) == Array("none".utf8),
      Self.takeString(&rest) == [], Self.takeNumber(&rest) == 1, Self.takeString(&rest) != nil,
      let secretBytes = Self.takeString(&rest)
    else { return nil }
    var secret = secretBytes[...]
    guard let check = Self.takeNumber(&secret), check == Self.takeNumber(&secret),
      Self.takeString(&secret) == Self.algorithm, let publicKey = Self.takeString(&secret), publicKey.count == 32,
      let pair = Self.takeString(&secret), pair.count == 64, pair[32...].elementsEqual(publicKey)
    else { return nil }
    self.init(seed: Array(pair[..<32]), publicKey: publicKey)
  }

  private static func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  private static func string(_ bytes: [UInt8]) -> [UInt8] { number(UInt32(bytes.count)) + bytes }

  private static func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> UInt32? {
    guard bytes.count >= 4 else { return nil }
    let value = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    bytes = bytes.dropFirst(4)
    return value
  }

  private static func takeString(_ bytes: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard let length = takeNumber(&bytes), length <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return Array(bytes.prefix(Int(length)))
  }
}
