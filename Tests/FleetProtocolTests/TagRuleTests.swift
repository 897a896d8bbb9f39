import FleetProtocol
import Testing

@Suite struct TagRuleTests {
  @Test func plainTags() throws { try TagRule.check(["site": "Köln 1", "a.b-c_d": ""]) }

  @Test(arguments: [
    ["": "x"], ["A": "x"], ["a=b": "x"], [String(repeating: "a", count: 64): "x"], ["a": "\u{1B}[1m"],
    ["a": "\u{202E}"], ["a": String(repeating: "x", count: 256)],
  ])
  func others(_ tags: [String: String]) { #expect(throws: JSONError.self) { try TagRule.check(tags) } }

  @Test func noBodyBringsOneThatIsNone() throws {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINT8ti2fFUGqHhdlSuqiXCL4irffAsJevAbszK+1WVLt"
    for (tag, isOne) in [(#""site":"berlin""#, true), (#""Site":"berlin""#, false), (#""site":"\u001b""#, false)] {
      let bodies: [([UInt8]) throws -> Any] = [
        { try ProvisionBody(parsing: $0) }, { try NamedProvisionBody(parsing: $0) }, { try EnrollKeyBody(parsing: $0) },
        { try ApproveBody(parsing: $0) }, { try TagBody(parsing: $0) },
      ]
      let text = """
        {"v":1,"name":"kitchen-pi","key":"\(key)","user":"pi","pattern":"kiosk-{serial}","uses":1,"expires_s":60,\
        "tags":{\(tag)},"set":{\(tag)}}
        """
      for parse in bodies {
        if isOne {
          #expect(throws: Never.self) { try parse(Array(text.utf8)) }
        } else {
          #expect(throws: JSONError.self) { try parse(Array(text.utf8)) }
        }
      }
    }
  }

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
