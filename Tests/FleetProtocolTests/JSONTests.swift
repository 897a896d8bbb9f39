import FleetProtocol
import Testing

@Suite struct JSONTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-12", "1.5", "\"\"", "[]", "{}", "[1,[2,{\"a\":null}]]",
    "{\"b\":1,\"a\":\"x\\ny\"}", "\"\\u0000\\u001b\"", "\"ü\"",
  ])
  func aValueIsWrittenAsItWasRead(_ text: String) throws {
    #expect(try JSON(parsing: text).text == text)
  }

  @Test func aLineOfNamesCostsNoMoreThanItsBytes() throws {
    let names = (0..<4000).map { "\"\($0)\":1" }
    let clock = ContinuousClock()
    let took = try clock.measure { _ = try JSON(parsing: "{\(names.joined(separator: ","))}", limit: 1 << 20) }
    // Compared one by one, these took two hundred times as long as a line of as many bytes.
    let plain = try clock.measure {
      _ = try JSON(parsing: "[\(names.map { "\"\($0.count)\",1" }.joined(separator: ","))]", limit: 1 << 20)
    }
    #expect(took < plain * 60, "\(took), and \(plain) for a list")
    for count in [15, 16, 17, 18, 100] {
      let twice = (0..<count).map { "\"\($0)\":1" } + ["\"\(count - 1)\":2"]
      #expect(throws: JSONError.self, "\(count)") { try JSON(parsing: "{\(twice.joined(separator: ","))}") }
      let once = try JSON(parsing: "{\(twice.dropLast().joined(separator: ","))}")
      if case .object(let object) = once { #expect(object.members.count == count) }
    }
  }

  @Test func escapesAndSpaceAreUnderstood() throws {
    #expect(
      try JSON(parsing: " [ \"\\u00e9\\ud83d\\ude00\\/\\b\" , 1e2 ] ") == .array([.string("é😀/\u{8}"), .number(100)]))
    #expect(try JSON(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSON(parsing: "9223372036854775808") == .number(9_223_372_036_854_775_808))
  }

  @Test(arguments: [
    "", "nul", "truefalse", "01", "1.", ".5", "-", "1e", "+1", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
    "\"\\ud800\\u0041\"",
    "\"\n\"", "[1,]", "[1", "{\"a\"}", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{a:1}", "1 2", "1e999",
    String(repeating: "[", count: 100_000), "\"" + String(repeating: "a", count: 40_000) + "\"",
  ])
  func anythingElseIsRefused(_ text: String) {
    #expect(throws: JSONError.self) { try JSON(parsing: text) }
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    #expect(throws: JSONError.self) { try JSON(parsing: [0x22, 0xC0, 0x80, 0x22]) }
  }

  /// A seeded generator: the parser must end with a value or an error for whatever it is given.
  @Test func randomBytesNeverCrashTheParser() {
    var random = SplitMix64(state: 42)
    let alphabet = Array("{}[]\",:\\u0123456789aeflnrst.-+E \n\u{FF}".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
      if let value = try? JSON(parsing: bytes) {
        #expect(try! JSON(parsing: value.text) == value)
      }
    }
  }
}

/// A small seeded generator, so that a failure can be run again.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
