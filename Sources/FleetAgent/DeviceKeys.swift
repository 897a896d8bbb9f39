import FleetProtocol

/// One of the device's private keys, as the text of its file.
struct DeviceKey: Hashable, Sendable {
  enum Role: Hashable, Sendable {
    case current
    /// The key that is to replace the current one.
    case next
  }

  let role: Role
  let text: [UInt8]
}

/// The device's keys on disk: the one in use and, while it is being replaced, the next one beside it.
struct DeviceKeys {
  private let path: String
  private var nextPath: String { path + ".new" }
  private var current: [UInt8]
  private var next: (text: [UInt8], publicKey: PublicKey)?

  /// Throws `configuration-invalid` when the key in use cannot be read.
  init(_ file: ConfigurationFile) throws(Refusal) {
    path = file.keyPath
    current = try file.privateKey()
    next = try? Self.key(at: nextPath)
  }

  /// In the order in which they are shown to HostA.
  var offered: [DeviceKey] {
    (next.map { [DeviceKey(role: .next, text: $0.text)] } ?? []) + [DeviceKey(role: .current, text: current)]
  }

  var nextPublicKey: PublicKey? { next?.publicKey }

  /// Makes the next key; it is on disk when this returns. Throws `io-failed`.
  mutating func makeNext() throws(Refusal) {
    let key = try KeyFile.newKey()
    let text = KeyFile.text(of: key)
    let publicKey = try PublicKey(parsing: key.publicLine)
    try File.replace(nextPath, text)
    next = (text, publicKey)
  }

  /// Puts the next key in the place of the current one. Throws `io-failed`.
  mutating func install() throws(Refusal) {
    guard let next else { return }
    try File.rename(nextPath, to: path)
    current = next.text
    self.next = nil
  }

  /// Forgets the next key. Throws `io-failed`.
  mutating func discardNext() throws(Refusal) {
    try File.remove(nextPath)
    next = nil
  }

  private static func key(at path: String) throws(Refusal) -> (text: [UInt8], publicKey: PublicKey) {
    let text = try File.read(path, limit: Limits.line)
    let key = try OpenSSHPrivateKey(parsing: String(decoding: text, as: UTF8.self))
    return (text, try PublicKey(parsing: key.publicLine))
  }
}
