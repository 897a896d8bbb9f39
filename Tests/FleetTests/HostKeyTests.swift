import FleetProtocol
import Testing

@testable import fleet

@Suite struct HostKeyTests {
  private let other = try! PublicKey(parsing: Sample.otherKeyText)

  private func header(_ keys: [PublicKey], by name: String? = "alice") -> ConnectHeader {
    ConnectHeader(
      name: Sample.kitchen, user: Sample.pi, hostKeys: keys, enrolled: name == nil ? nil : Sample.now, enrolledBy: name)
  }

  private func remark(_ header: ConnectHeader, pinned: [PublicKey]) -> String? {
    NewHostKey.remark(on: header, device: Sample.kitchen, pinned: pinned)
  }

  @Test func whatIsKnownOrNewToTheLaptopIsNotWorthALine() {
    #expect(remark(header([Sample.hostKey]), pinned: []) == nil)
    #expect(remark(header([Sample.hostKey]), pinned: [Sample.hostKey]) == nil)
    #expect(remark(header([Sample.hostKey, other]), pinned: [other, Sample.hostKey]) == nil)
    #expect(remark(header([Sample.hostKey]), pinned: [other, Sample.hostKey]) == nil, "one key less")
  }

  @Test func aNewKeyIsToldWithWhoRecordedItAndWhen() {
    let fingerprint = KeyFingerprint.of(Sample.hostKey)
    let start = "fleet: kitchen-pi has a new host key"
    #expect(
      remark(header([Sample.hostKey]), pinned: [other])
        == "\(start) since 2026-01-02 (recorded by alice): \(fingerprint)")
    #expect(
      remark(header([other, Sample.hostKey], by: "device"), pinned: [other])
        == "\(start) since 2026-01-02 (recorded at its first contact): \(fingerprint)")
    #expect(remark(header([Sample.hostKey], by: nil), pinned: [other]) == "\(start): \(fingerprint)")
    #expect(
      remark(header([Sample.hostKey], by: "a\n\u{1B}[2J"), pinned: [other])?.contains("a\\u{a}\\u{1b}[2J") == true)
  }

  @Test(
    arguments: [
      (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
      (56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
      (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
      (1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ])
  func hashesOfManyTimesTheLetterA(count: Int, expected: String) {
    let digest = SHA256.digest([UInt8](repeating: UInt8(ascii: "a"), count: count))
    let text = digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(text == expected)
  }

  /// Of every kind of key, and so of every length.
  @Test(arguments: ["ed25519", "ecdsa", "rsa"])
  func fingerprintsAreOpenSSHs(kind: String) throws {
    try Scratch.with { folder in
      let file = "\(folder)/key"
      #expect(try Subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file]).status == 0)
      let text = String(decoding: try FileStore.content(of: "\(file).pub") ?? [], as: UTF8.self)
      let key = try PublicKey(parsing: text.prefix { !$0.isNewline })
      #expect(try Subprocess.run(["ssh-keygen", "-lf", file]).text.contains(" \(KeyFingerprint.of(key)) "))
    }
  }

  @Test func pinsFollowARenamedDevice() throws {
    try Scratch.with { folder in
      let paths = FleetPaths(home: folder, xdgConfigHome: nil, xdgStateHome: nil)
      let old = DevicePins(of: Sample.kitchen, host: Sample.host, paths: paths)
      let new = DevicePins(of: try DeviceName(validating: "hall-pi"), host: Sample.host, paths: paths)
      #expect(old.keys.isEmpty)
      try old.write([Sample.hostKey, other])
      try new.write([other])
      try old.move(to: new)
      #expect(old.keys.isEmpty && new.keys == [Sample.hostKey, other])
      #expect(try FileStore.content(of: new.path) == Array("hall-pi \(Sample.hostKey)\nhall-pi \(other)\n".utf8))
      // What stands under the new name is another device's when there is nothing to move.
      try old.move(to: new)
      #expect(!FileStore.exists(new.path))
    }
  }
}
