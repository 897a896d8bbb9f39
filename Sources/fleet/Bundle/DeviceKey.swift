import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A device's key on the laptop, where it waits only until it is in a bundle: a run that failed in between finds its
/// lease again by it.
struct DeviceKey {
  /// The private key's file.
  let path: String

  private static let arguments = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]
  private static let processes = 8

  /// The public key; `nil` where there is none yet, or only a part of it.
  var publicKey: PublicKey? {
    guard FileStore.exists(path), let text = try? FileStore.content(of: "\(path).pub") else { return nil }
    return try? PublicKey(parsing: String(decoding: text, as: UTF8.self).prefix { !$0.isNewline })
  }

  /// The private key's file. Throws `io-failed`.
  func content() throws(Refusal) -> [UInt8] { try FileStore.content(of: path) ?? [] }

  func remove() {
    unlink(path)
    unlink("\(path).pub")
  }

  /// Makes the key unless it is there. Throws `step-failed`.
  func make() throws(Refusal) -> PublicKey {
    if let publicKey { return publicKey }
    remove()
    let outcome = try Subprocess.run(Self.arguments + [path])
    guard outcome.status == 0, let publicKey else {
      throw Refusal(.stepFailed, "ssh-keygen made no key: \(LastLine.of(outcome.errorText) ?? "no reason given")")
    }
    return publicKey
  }

  /// Takes a private key that is there already, and derives the public one. Throws `step-failed`.
  func adopt(_ content: [UInt8]) throws(Refusal) -> PublicKey {
    try FileStore.replace(path, with: content)
    let outcome = try Subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path])
    guard outcome.status == 0, let publicKey = try? PublicKey(parsing: outcome.text.prefix { !$0.isNewline }) else {
      remove()
      throw Refusal(.stepFailed, "the key that is there already cannot be read")
    }
    try FileStore.replace("\(path).pub", with: "\(publicKey)\n".utf8)
    return publicKey
  }

  /// Makes those that are not there yet, several at a time. Throws `step-failed`.
  static func make(_ keys: [DeviceKey]) throws(Refusal) {
    var running: [pid_t] = []
    for key in keys where key.publicKey == nil {
      key.remove()
      let null = try Descriptor.open("/dev/null", O_RDWR)
      running.append(try Subprocess.spawn(arguments + [key.path], [0: null, 1: null, 2: null]))
      if running.count == processes { _ = Subprocess.wait(for: running.removeFirst()) }
    }
    for process in running { _ = Subprocess.wait(for: process) }
    // Whatever went wrong says so when it is tried once more, alone.
    for key in keys { _ = try key.make() }
  }
}
