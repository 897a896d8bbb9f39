import FleetProtocol
import Testing

@testable import fleet

/// Keys as ssh-keygen of OpenSSH 9.2 tells of them, and real ones.
@Suite struct LaptopKeysTests {
  private static let fingerprint = "SHA256:VjvNtL74LsWlADA8cVRvH2VLiMLMcy2b4NIlzdS+2ig"
  private static let listing = "256 \(fingerprint) anna@laptop (ED25519)\n"

  private func facts(
    _ status: Int32, _ text: String, file: String = "/h/id", exists: Bool = true, agent: Set<String> = []
  ) -> KeyFacts {
    KeyFacts(file: file, exists: exists, status: status, errorText: text, listing: Self.listing, agent: agent)
  }

  @Test func theStateOfAKey() {
    #expect(facts(0, "").state == .usable)
    #expect(facts(255, "Load key \"/h/id\": incorrect passphrase supplied to decrypt private key\n").state == .locked)
    #expect(facts(255, "Permissions 0644 for '/h/id' are too open.\nLoad key: bad permissions\n").state == .unprotected)
    #expect(facts(255, "Load key \"/h/id\": Permission denied\n").state == .unreadable)
    #expect(facts(255, "Load key \"/h/id\": error in libcrypto\n").state == .malformed)
    #expect(facts(255, "", exists: false).state == .missing)
    #expect(facts(255, "bad permissions", file: "/h/id.pub").state == .publicHalf)
  }

  @Test func whatCannotBeOfferedSaysWhyAndWhatNext() {
    let locked = facts(255, "incorrect passphrase")
    #expect(locked.complaint?.code == .keyUnusable && locked.complaint?.hint?.contains("ssh-add /h/id") == true)
    #expect(facts(255, "incorrect passphrase", agent: [Self.fingerprint]).complaint == nil)
    #expect(facts(255, "bad permissions").complaint?.hint == "chmod 600 '/h/id'")
    #expect(facts(0, "").description == "\(Self.fingerprint) (/h/id)")
    let keys = LaptopKeys(files: [locked], isChosen: true, agent: ["SHA256:other"])
    #expect(keys.unusable == locked.complaint && keys.offered.isEmpty)
    let free = LaptopKeys(files: [locked], isChosen: false, agent: ["SHA256:other"])
    #expect(free.unusable == nil && free.offered == ["SHA256:other (ssh-agent)"])
    #expect(LaptopKeys(files: [], isChosen: false, agent: nil).unusable?.message.contains("no key") == true)
    let refused = SSHFailure.refusal(
      host: Sample.host, refusing: LaptopKeys(files: [facts(0, "")], isChosen: true, agent: nil))
    #expect(refused.code == .notAnOperator && refused.message.hasSuffix("it was offered \(Self.fingerprint) (/h/id)"))
  }

  @Test func whichFilesSSHTries() {
    let text = "user anna\nidentityfile ~/.ssh/id_rsa\nidentityfile /k/%h\nidentityfile %d/x\nidentitiesonly no\n"
    #expect(IdentityFiles.inResolved(text, home: "/h") == ["/h/.ssh/id_rsa", "/h/x"])
  }

  @Test func realKeysAreLookedAt() throws {
    try Scratch.with { folder in
      func look(_ name: String) throws -> KeyFacts {
        var host = Sample.host
        host.identity = "\(folder)/\(name)"
        return try #require(try KeyInspection.keys(for: host).files.first)
      }
      for (name, passphrase) in [("plain", ""), ("locked", "secret")] {
        #expect(
          try Subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", "\(folder)/\(name)"]
          ).status == 0)
      }
      #expect(try look("plain").state == .usable && look("locked").state == .locked)
      #expect(try look("plain").fingerprint.map(HostKeyScan.isFingerprint) == true)
      #expect(try look("plain.pub").state == .publicHalf && look("nothing").state == .missing)
      #expect(try Subprocess.run(["chmod", "644", "\(folder)/plain"]).status == 0)
      #expect(try look("plain").state == .unprotected)
      try FileStore.replace("\(folder)/junk", with: "junk\n".utf8)
      #expect(try look("junk").state == .malformed)
    }
  }
}
