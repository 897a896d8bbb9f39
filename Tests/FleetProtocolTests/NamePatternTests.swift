import FleetProtocol
import Testing

@Suite struct NamePatternTests {
  private func name(_ pattern: String, _ facts: [String: String] = [:], number: Int = 1) throws -> String {
    try NamePattern(validating: pattern).name(facts: facts, number: number).rawValue
  }

  @Test func factsStandWhereThePatternSays() throws {
    #expect(try name("kiosk-{serial}", ["serial": "10000000ABCD"]) == "kiosk-10000000abcd")
    #expect(try name("{hostname}-{mac}", ["hostname": "pi", "mac": "b8:27:eb:01:02:03"]) == "pi-b8-27-eb-01-02-03")
    #expect(try name("kiosk", ["serial": "1"]) == "kiosk")
    #expect(try NamePattern(validating: "a-{serial}").description == "a-{serial}")
  }

  @Test(arguments: [
    "", "{", "}", "{}", "{serial", "kiosk-{name}", "kiosk-{Serial}", "Kiosk", "a b", "a_b", "a.b", "a/{serial}", "é",
    "{{serial}}", "a\n", "{serial}}", String(repeating: "a", count: 64),
  ])
  func whatIsNoPatternIsRefused(_ text: String) {
    #expect { try NamePattern(validating: text) } throws: { ($0 as? Refusal)?.code == .nameInvalid }
  }

  /// Each of these is what a box says of itself; its name is a name all the same.
  @Test(arguments: [
    "", " ", "\u{0}\u{1B}[2J\r\n", "\u{202E}\u{200B}", "Ünïcödé", "日本語", "🙂", "-oProxyCommand=x", "../../etc/passwd",
    "$(id)",
    "---", "a;b", "A.B_C", String(repeating: "x", count: 1 << 20), String(repeating: "\u{7}", count: 1 << 20),
    String(repeating: "🙂", count: 1 << 18), String(repeating: "-", count: 1000) + "7",
  ])
  func hostileFactsMakeNames(_ fact: String) throws {
    for pattern in [
      "{serial}", "kiosk-{serial}", "{serial}-x", "-{serial}-", "-", "{serial}{mac}{hostname}",
      String(repeating: "a", count: 55) + "{serial}", String(repeating: "-", count: 55) + "{serial}",
    ] {
      for number in [1, 2, 100_000] {
        // The name is made of checked parts, and checked once more here.
        let name = try name(pattern, ["serial": fact, "mac": fact, "hostname": fact], number: number)
        #expect(try DeviceName(validating: name).rawValue == name)
        if number > 1 { #expect(name.hasSuffix("-\(number)")) }
      }
    }
  }

  @Test func whatIsMissingIsUnknown() throws {
    #expect(try name("kiosk-{serial}") == "kiosk-unknown")
    #expect(try name("kiosk-{serial}", ["serial": "\u{1B}"]) == "kiosk-unknown")
  }

  /// Serial numbers differ at their end, so the end is what stays.
  @Test func aLongFactLosesItsFront() throws {
    let serial = String(repeating: "0", count: 70) + "42"
    let long = try name("kiosk-{serial}", ["serial": serial])
    #expect(long.utf8.count == 63 && long.hasPrefix("kiosk-0") && long.hasSuffix("0042"))
    let second = try name("kiosk-{serial}", ["serial": serial], number: 12)
    #expect(second.utf8.count == 63 && second.hasPrefix("kiosk-0") && second.hasSuffix("0042-12"))
  }

  @Test func numbersMakeDifferentNames() throws {
    for pattern in ["kiosk-{serial}", "-", String(repeating: "a", count: 63)] {
      let names = try Set((1...300).map { try name(pattern, ["serial": "7"], number: $0) })
      #expect(names.count == 300)
    }
    #expect(try name("kiosk-{serial}", ["serial": "7"], number: 2) == "kiosk-7-2")
  }
}
