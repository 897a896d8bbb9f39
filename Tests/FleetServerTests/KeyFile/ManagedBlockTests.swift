import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct ManagedBlockTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func theBytesOutsideStayAsTheyAre() throws {
    let before = Array("# mine\r\nssh-rsa AAAA\t\u{1}me".utf8) + [0xFF, 0xFE]
    let first = try ManagedBlock.replacing(in: before, with: "one\n".utf8)
    #expect(first == before + [0x0A] + ManagedBlock.begin + Array("one\n".utf8) + ManagedBlock.end)
    let after = Array("ssh-ed25519 BBBB later, without a newline".utf8)
    let second = try ManagedBlock.replacing(in: first + after, with: "two\n".utf8)
    #expect(second == before + [0x0A] + ManagedBlock.begin + Array("two\n".utf8) + ManagedBlock.end + after)
  }

  @Test func anEmptyFileHoldsTheBlockAlone() throws {
    #expect(
      text(try ManagedBlock.replacing(in: [], with: "x\n".utf8)) == "# BEGIN fleet-server\nx\n# END fleet-server\n")
  }

  @Test(arguments: [
    "# BEGIN fleet-server\nx\n", "# END fleet-server\n", "# END fleet-server\n# BEGIN fleet-server\n",
    "# BEGIN fleet-server\n# BEGIN fleet-server\n# END fleet-server\n",
  ])
  func damagedMarkersAreRefused(_ file: String) {
    #expect(throws: Refusal.self) { try ManagedBlock.replacing(in: Array(file.utf8), with: "x\n".utf8) }
  }

  @Test func aMarkerWithinALineIsNone() throws {
    let file = Array("ssh-rsa AAAA # BEGIN fleet-server\n".utf8)
    #expect(try ManagedBlock.replacing(in: file, with: "x\n".utf8).starts(with: file))
  }

  /// Our block would have given the marker the newline that makes it one, and so have damaged itself.
  @Test(arguments: ["# END fleet-server", "# BEGIN fleet-server"]) func aMarkerWithoutANewlineIsOne(_ marker: String) {
    #expect(throws: Refusal.self) { try ManagedBlock.replacing(in: Array("a\n\(marker)".utf8), with: "x\n".utf8) }
  }

  @Test func aBlockWhoseLastNewlineIsGoneIsReplaced() throws {
    let file = ManagedBlock.begin + Array("old\n".utf8) + ManagedBlock.end.dropLast()
    let whole = ManagedBlock.begin + Array("new\n".utf8) + ManagedBlock.end
    #expect(try ManagedBlock.replacing(in: file, with: "new\n".utf8) == whole)
  }

  @Test func aKeyOutsideIsFoundAndOneInsideIsNot() throws {
    let mine = try sampleKey(1)
    let ours = try sampleKey(2)
    let file = try ManagedBlock.replacing(
      in: Array("from=\"10.0.0.1\" \(mine) me\n".utf8), with: "restrict \(ours) fleet:1\n".utf8)
    let words = try ManagedBlock.wordsOutside(file)
    #expect(words.contains(Array(mine.base64.utf8)))
    #expect(!words.contains(Array(ours.base64.utf8)))
  }
}
