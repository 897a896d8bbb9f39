import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct SystemTests {
  /// As the program itself does at its start.
  init() { signal(SIGPIPE, SIG_IGN) }

  @Test func muchGoesInAndOutAtOnce() throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    #expect(try Subprocess.run(["cat"], input: .bytes(bytes)).output == bytes)
    let outcome = try Subprocess.run(["sh", "-c", "cat >&2; echo out; exit 7"], input: .bytes(bytes))
    #expect(outcome.errorOutput == bytes && outcome.text == "out\n" && outcome.status == 7)
  }

  @Test func aProgramThatDoesNotReadIsNoTrouble() throws {
    let bytes = [UInt8](repeating: 65, count: 1_000_000)
    #expect(try Subprocess.run(["true"], input: .bytes(bytes)).status == 0)
    #expect(try Subprocess.run(["sh", "-c", "kill -KILL $$"]).status == 128 + 9)
  }

  @Test func aProgramThatIsNotThereIsNamed() {
    let refusal = #expect(throws: Refusal.self) { try Subprocess.run(["no-such-program-anywhere"]) }
    #expect(refusal?.code == .toolMissing && refusal?.message.contains("no-such-program-anywhere") == true)
  }

  @Test func childrenGetNoDescriptorOfOurs() throws {
    let secret = try Descriptor.open("/dev/null", O_RDONLY)
    defer { secret.close() }
    let outcome = try Subprocess.run(["sh", "-c", "(: <&\(secret.number)) 2>/dev/null"])
    #expect(outcome.status != 0)
  }

  @Test func filesAreReplacedWholeAndForThisAccountOnly() throws {
    try Scratch.with { folder in
      let path = "\(folder)/a/b/file"
      #expect(try FileStore.content(of: path) == nil)
      try FileStore.replace(path, with: "one".utf8)
      try FileStore.replace(path, with: "two".utf8)
      #expect(try FileStore.content(of: path) == Array("two".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a/b") == ["file"])
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      let folderMode = try FileManager.default.attributesOfItem(atPath: "\(folder)/a")[.posixPermissions] as? Int
      #expect(mode == 0o600 && folderMode == 0o700)
      let inode = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
      try FileStore.replaceIfDifferent(path, with: Array("two".utf8))
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == inode)
      #expect(throws: Refusal.self) { try FileStore.replace("\(path)/under", with: "x".utf8) }
      #expect(throws: Refusal.self) { try FileStore.content(of: path, limit: 2) }
    }
  }

  @Test(arguments: ["", "a b", "it's", "$(id)`id`\\", "a\nb", "-x", "%d"])
  func shellWordsArriveAsTheyAre(_ word: String) throws {
    #expect(try Subprocess.run(["sh", "-c", "printf %s \(ShellWord.quoted(word))"]).text == word)
  }
}

/// A folder for one test.
enum Scratch {
  @discardableResult static func with<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "fleet-test-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
  }
}
