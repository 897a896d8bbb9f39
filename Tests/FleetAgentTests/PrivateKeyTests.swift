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
