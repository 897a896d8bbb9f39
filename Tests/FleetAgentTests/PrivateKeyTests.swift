import FleetProtocol
import Foundation
import Testing
import ThrowawaySSHD

@testable import FleetAgent

@Suite struct PrivateKeyTests {
  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-agent-key-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func writesAKeyOnceThatOpenSSHReads() throws {
    try withFolder { folder in
      let path = folder.appending(path: "id_ed25519").path
      let line = try KeyFile.publicLine(makingAt: path)
      let content = try Data(contentsOf: URL(fileURLWithPath: path))
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(try ThrowawaySSHD.publicLine(ofPrivateKeyAt: path) == line)
      #expect(try KeyFile.publicLine(makingAt: path) == line)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == content)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["id_ed25519"])
      #expect(try PublicKey(parsing: line).description == line)
    }
  }

  @Test func replacesAKeyByTheNextOne() throws {
    try withFolder { folder in
      let path = folder.appending(path: "id_ed25519").path
      let old = try KeyFile.publicLine(makingAt: path)
      let configuration = AgentConfiguration(
        device: DeviceID(random: 1), name: try DeviceName(validating: "a"), port: TCPPort(20007)!,
        host: HostAddress(
          account: try LoginName(validating: "fleet"),
          endpoints: [HostAddress.Endpoint(address: "hosta.example", port: TCPPort(22)!)],
          hostKeys: [try PublicKey(parsing: old)]), keyFile: "id_ed25519", sshdPort: TCPPort(22)!,
        reportHostKeys: false)
      let configurationPath = folder.appending(path: "agent.json")
      try Data(configuration.text.utf8).write(to: configurationPath)
      let file = try ConfigurationFile(path: configurationPath.path)
      // What a power cut left of an earlier try is no key, and in nobody's way.
      try Data("half".utf8).write(to: folder.appending(path: "id_ed25519.new"))
      try Data("half".utf8).write(to: folder.appending(path: "id_ed25519.new.part"))

      var keys = try DeviceKeys(file)
      #expect(keys.nextPublicKey == nil && keys.offered.map(\.role) == [.current])
      try keys.makeNext()
      let next = try #require(keys.nextPublicKey)
      #expect(keys.offered.map(\.role) == [.next, .current])
      let attributes = try FileManager.default.attributesOfItem(atPath: path + ".new")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(try ThrowawaySSHD.publicLine(ofPrivateKeyAt: path) == old)
      #expect(try DeviceKeys(file).nextPublicKey == next)
      try keys.install()
      #expect(try ThrowawaySSHD.publicLine(ofPrivateKeyAt: path) == next.description)
      #expect(keys.offered.map(\.role) == [.current] && keys.nextPublicKey == nil)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(Set(names) == ["id_ed25519", "agent.json"])
    }
  }

  @Test func readsAKeyThatOpenSSHMade() throws {
    try withFolder { folder in
      let path = folder.appending(path: "key")
      let line = try ThrowawaySSHD.makeKey(at: path)
      #expect(try KeyFile.publicLine(makingAt: path.path) == line)
    }
  }

  @Test func refusesAnotherKindOfKey() throws {
    try withFolder { folder in
      let path = folder.appending(path: "key")
      _ = try ThrowawaySSHD.makeKey(type: "ecdsa", at: path)
      #expect { try KeyFile.publicLine(makingAt: path.path) } throws: { ($0 as? Refusal)?.code == .keyInvalid }
    }
  }

  @Test(arguments: 0..<20) func rendersWhatItParses(length: Int) throws {
    // Comments of every length, so that every length of the padding is met.
    let key = OpenSSHPrivateKey(
      seed: pseudorandomBytes(32, seed: UInt64(length)), publicKey: pseudorandomBytes(32, seed: 99))
    let text = key.text(comment: String(repeating: "c", count: length), check: 7)
    #expect(try OpenSSHPrivateKey(parsing: text) == key)
    #expect(throws: Refusal.self) { try OpenSSHPrivateKey(parsing: String(text.dropLast(40))) }
  }
}
