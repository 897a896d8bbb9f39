import FleetProtocol
import Testing

@testable import fleet

@Suite struct HostKeyTests {
  private let other = try! PublicKey(parsing: Sample.otherKeyText)

  private func header(_ keys: [PublicKey], by name: String? = "alice") -> ConnectHeader {
    ConnectHeader(
      name: Sample.kitchen, user: Sample.pi, hostKeys: keys, enrolled: name == nil ? nil : Sample.now, enrolledBy: name)
  }

  private func pins(_ trusted: [PublicKey], released: [PublicKey] = []) -> PinnedKeys {
    var pins = PinnedKeys(trusted: trusted)
    pins.released = released
    return pins
  }

  private func after(_ header: ConnectHeader, known: PinnedKeys) throws(Refusal) -> PinnedKeys {
    try HostKeyRule.pins(after: header, of: try FleetHostName(parsing: "kitchen-pi"), known: known)
  }

  @Test func theFirstContactTakesWhatHostAHasRecorded() throws {
    let first = try after(header([Sample.hostKey, other]), known: PinnedKeys())
    #expect(first.trusted == [Sample.hostKey, other] && first.others.isEmpty && first.recordedBy == "alice")
    #expect(try after(header([other]), known: pins([], released: [Sample.hostKey])).trusted == [other])
  }

  /// A key must be recorded and accepted: what HostA adds is kept in mind, what it has dropped is out.
  @Test func laterAKeyMustAlsoHaveBeenAcceptedHere() throws {
    let more = try after(header([Sample.hostKey, other]), known: pins([other]))
    #expect(more.trusted == [other] && more.others == [Sample.hostKey])
    let less = try after(header([other]), known: pins([Sample.hostKey, other]))
    #expect(less.trusted == [other] && less.others.isEmpty)
  }

  @Test func recordedAnewIsRefusedWithBothFingerprintsAndTheWayOut() throws {
    let refusal = #expect(throws: Refusal.self) { try after(header([other]), known: pins([Sample.hostKey])) }
    let (old, new) = (KeyFingerprint.of(Sample.hostKey), KeyFingerprint.of(other))
    #expect(
      refusal?.message
        == "kitchen-pi has another host key than this laptop knows: \(new), recorded \(Sample.now) by alice, instead of "
        + old)
    #expect(refusal?.code == .deviceHostKeyChanged)
    #expect(refusal?.hint?.hasSuffix("'fleet trust kitchen-pi --accept \(new)'") == true)
    let hostile = #expect(throws: Refusal.self) {
      try after(header([other], by: "a\n\u{1B}[2J"), known: pins([Sample.hostKey]))
    }
    #expect(hostile?.message.contains("by a\\u{a}\\u{1b}[2J") == true)
  }

  @Test func aKeyThatNobodyRecordedIsRefusedAndDoesNotGoAway() throws {
    let name = try FleetHostName(parsing: "kitchen-pi.b.example.fleet")
    let shown = try #require(ShownHostKey(type: other.algorithm, base64: other.base64))
    var known = PinnedKeys(accepting: header([Sample.hostKey], by: "device"))
    let refusal = try #require(HostKeyRule.refusal(of: shown, pins: known, device: name))
    let (old, new) = (KeyFingerprint.of(Sample.hostKey), KeyFingerprint.of(other))
    #expect(
      refusal.message
        == "kitchen-pi shows a host key that nobody has recorded: \(new) (ssh-ed25519), instead of \(old) "
        + "(recorded \(Sample.now) at its first contact)")
    #expect(refusal.hint?.contains("does not go away by itself") == true)
    #expect(refusal.hint?.contains("'fleet trust kitchen-pi.b.example.fleet --accept \(new)'") == true)
    known.others = [other]
    #expect(
      HostKeyRule.refusal(of: shown, pins: known, device: name)?.message.contains("than this laptop knows") == true)
    known.trusted.append(other)
    #expect(HostKeyRule.refusal(of: shown, pins: known, device: name) == nil)
  }

  @Test func whatAPersonAcceptsIsOneKey() {
    let accepted = HostKeyRule.pins(accepting: other, of: header([Sample.hostKey, other]), known: PinnedKeys())
    #expect(accepted.trusted == [other] && accepted.others == [Sample.hostKey])
  }

  @Test func newHardwareOfThisLaptopIsTold() throws {
    let known = pins([], released: [Sample.hostKey])
    func remark(_ header: ConnectHeader, _ known: PinnedKeys) throws -> String? {
      NewHostKey.remark(on: try after(header, known: known), device: Sample.kitchen, known: known)
    }
    #expect(
      try remark(header([other], by: "device"), known)
        == "fleet: kitchen-pi has a new host key since 2026-01-02 (recorded at its first contact): "
        + KeyFingerprint.of(other))
    #expect(try remark(header([Sample.hostKey]), known) == nil)
    #expect(try remark(header([Sample.hostKey]), PinnedKeys()) == nil)
    #expect(try remark(header([Sample.hostKey, other]), pins([Sample.hostKey])) == nil)
  }

  @Test func aPinFileIsReadAsItWasWritten() {
    var pins = PinnedKeys(accepting: header([Sample.hostKey], by: "alice"))
    pins.others = [other]
    let text = pins.text(of: Sample.kitchen)
    #expect(PinnedKeys(parsing: text) == pins && HostKeyScan.keys(in: text) == [Sample.hostKey])
    let letGo = pins.letGo
    #expect(letGo.trusted.isEmpty && letGo.released == [Sample.hostKey])
    #expect(PinnedKeys(parsing: letGo.text(of: Sample.kitchen)) == letGo && letGo.letGo == letGo)
    #expect(HostKeyScan.keys(in: letGo.text(of: Sample.kitchen)).isEmpty)
    // As it was written before there were comments.
    #expect(PinnedKeys(parsing: "kitchen-pi \(other)\n") == PinnedKeys(trusted: [other]))
    #expect(PinnedKeys(parsing: "# recorded\n# not accepted here: x\nnonsense\n") == PinnedKeys())
  }

  /// A server may show its key inside a certificate, which it signed by another.
  @Test(arguments: ["ed25519", "ecdsa", "rsa"])
  func aCertificateShowsTheKeyInIt(kind: String) throws {
    try Scratch.with { folder in
      for (name, type) in [("ca", "ed25519"), ("host", kind)] {
        #expect(
          try Subprocess.run(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", "\(folder)/\(name)"]).status
            == 0)
      }
      let signing = ["ssh-keygen", "-q", "-s", "\(folder)/ca", "-I", "x", "-h", "\(folder)/host.pub"]
      #expect(try Subprocess.run(signing).status == 0)
      func words(_ file: String) throws -> [String] {
        String(decoding: try FileStore.content(of: "\(folder)/\(file)") ?? [], as: UTF8.self)
          .split(whereSeparator: \.isWhitespace).map(String.init)
      }
      let (plain, certificate) = (try words("host.pub"), try words("host-cert.pub"))
      let shown = try #require(ShownHostKey(type: certificate[0], base64: certificate[1]))
      let key = try PublicKey(parsing: plain.prefix(2).joined(separator: " "))
      #expect(shown.isSame(as: key) && shown.key == key && shown.fingerprint == KeyFingerprint.of(key))
      #expect(ShownHostKey(type: plain[0], base64: plain[1])?.isSame(as: key) == true)
      #expect(ShownHostKey(type: certificate[0], base64: String(certificate[1].prefix(40))) == nil)
    }
  }

  @Test func whatIsNoShownKey() {
    #expect(ShownHostKey(type: "ssh-ed25519", base64: "NONE!") == nil)
    #expect(ShownHostKey(type: "x\u{1B}", base64: "AAAA") == nil)
    #expect(ShownHostKey(type: "ssh-ed25519-cert-v01@openssh.com", base64: "/////w==") == nil)
    let unknown = ShownHostKey(type: "ssh-dss", base64: "AAAA")
    #expect(unknown?.key == nil && unknown?.fingerprint.hasPrefix("SHA256:") == true)
  }

  @Test func theTableOfTrustNamesEveryKey() throws {
    let shown = [try #require(ShownHostKey(type: other.algorithm, base64: other.base64))]
    let text = HostKeyTable.text(header: header([Sample.hostKey]), known: PinnedKeys(), shown: shown)
    let (old, new) = (KeyFingerprint.of(Sample.hostKey), KeyFingerprint.of(other))
    #expect(
      text == """
        recorded on HostA  \(old) ssh-ed25519, \(Sample.now) by alice
        accepted here      none
        shown now          \(new) ssh-ed25519

        """)
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
      #expect(old.content == PinnedKeys())
      try old.write(pins([Sample.hostKey, other]))
      try new.write(pins([other]))
      try old.move(to: new)
      #expect(old.content == PinnedKeys() && new.content.trusted == [Sample.hostKey, other])
      #expect(try FileStore.content(of: new.path) == Array("hall-pi \(Sample.hostKey)\nhall-pi \(other)\n".utf8))
      // What stands under the new name is another device's when there is nothing to move.
      try old.move(to: new)
      #expect(!FileStore.exists(new.path))
    }
  }
}
