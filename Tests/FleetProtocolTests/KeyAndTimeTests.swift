import FleetProtocol
import Testing

@Suite struct KeyAndTimeTests {
  static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

  @Test func aCommentIsDropped() throws {
    #expect(try PublicKey(parsing: Self.key + " someone@somewhere else").description == Self.key)
  }

  @Test(arguments: [
    "", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3MAAAABAA==", "restrict \(key)",
    "command=\"id\" \(key)",
    "\(key)\nssh-ed25519 AAAA", "\(key)\r",
    "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4",
    "ssh-ed25519 " + String(repeating: "A", count: 8000),
  ])
  func whatCouldCarryOptionsOrASecondLineIsNoKey(_ line: String) {
    #expect { try PublicKey(parsing: line) } throws: { ($0 as? Refusal)?.code == .keyInvalid }
  }

  @Test func base64IsCanonical() {
    for bytes: [UInt8] in [[], [0], [0, 1], [0, 1, 2], [255, 254, 253, 252], Array(0...255)] {
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    for text in ["A", "AA", "AAA", "AA=A", "AB==", "A===", "====", "AA==AA==", "AA\n=", "A-A="] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
  }

  @Test func timesAreRFC3339InUTC() {
    #expect(Timestamp(seconds: 0).description == "1970-01-01T00:00:00Z")
    #expect(Timestamp(seconds: 1_767_323_045).description == "2026-01-02T03:04:05Z")
    #expect(Timestamp(parsing: "2026-01-02T03:04:05Z")?.seconds == 1_767_323_045)
    #expect(Timestamp(parsing: "2024-02-29T00:00:00Z") != nil)
    for text in [
      "", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05+00:00",
      "2026-01-02T24:00:00Z",
    ] {
      #expect(Timestamp(parsing: text) == nil, "\(text)")
    }
  }

  /// A seeded generator: each day from the year 0 to 9999 is written as the one that it was read from.
  @Test func everyDayHasItsDate() throws {
    var random = SplitMix64(state: 3)
    for _ in 0..<20_000 {
      let time = Timestamp(seconds: Int64.random(in: -62_167_219_200...253_402_300_799, using: &random))
      #expect(Timestamp(parsing: time.description) == time)
    }
    #expect(Timestamp(seconds: -1).description == "1969-12-31T23:59:59Z")
    #expect(Timestamp(seconds: 951_782_400).description == "2000-02-29T00:00:00Z")
    #expect(Timestamp(seconds: 4_107_542_400).description == "2100-03-01T00:00:00Z")
    #expect(Timestamp(seconds: -62_167_219_200).description == "0000-01-01T00:00:00Z")
    #expect(Timestamp(seconds: .max).description == "9999-12-31T23:59:59Z")
    #expect(Timestamp(seconds: .min).description == "0000-01-01T00:00:00Z")
  }

  @Test func textFromElsewhereIsShownEscaped() {
    #expect(DisplayText.escaped("a\u{1B}[31m\n\u{202E}b\u{200B} ü") == "a\\u{1b}[31m\\u{a}\\u{202e}b\\u{200b} ü")
    // Letters, marks and symbols that nobody sees.
    #expect(DisplayText.escaped("a\u{3164}\u{115F}\u{FE0F}\u{2800}") == "a\\u{3164}\\u{115f}\\u{fe0f}\\u{2800}")
    #expect(DisplayText.escaped(String(repeating: "x", count: 50), limit: 3) == "xxx...")
  }
}
