import FleetProtocol
import Testing

@Suite struct TagRuleTests {
  @Test func plainTags() throws { try TagRule.check(["site": "Köln 1", "a.b-c_d": ""]) }

  @Test(arguments: [
    ["": "x"], ["A": "x"], ["a=b": "x"], [String(repeating: "a", count: 64): "x"], ["a": "\u{1B}[1m"],
    ["a": "\u{202E}"],
  ])
  func others(_ tags: [String: String]) { #expect(throws: JSONError.self) { try TagRule.check(tags) } }
}
