import FleetProtocol
import Testing

@Suite struct TagRuleTests {
  @Test func plainTags() throws { try TagRule.check(["site": "Köln 1", "a.b-c_d": ""]) }

  @Test(arguments: [
    ["": "x"], ["A": "x"], ["a=b": "x"], [String(repeating: "a", count: 64): "x"], ["a": "\u{1B}[1m"],
    ["a": "\u{202E}"], ["a": String(repeating: "x", count: 256)],
  ])
  func others(_ tags: [String: String]) { #expect(throws: JSONError.self) { try TagRule.check(tags) } }

  @Test func aPersonWritesThem() throws {
    #expect(try Tag.all(["site=berlin", "note=a=b", "old="]) == ["site": "berlin", "note": "a=b", "old": ""])
    #expect(try Tag.all([]).isEmpty)
  }

  @Test(arguments: [["site"], ["=x"], ["Site=x"], ["a=\u{7}"], ["a=1", "a=2"], (0...32).map { "k\($0)=v" }])
  func whatIsNoTagIsAUsageError(_ texts: [String]) {
    #expect(throws: Refusal.self) { try Tag.all(texts) }
    do { _ = try Tag.all(texts) } catch { #expect(error.code == .usage && error.message.contains("tag")) }
  }
}
