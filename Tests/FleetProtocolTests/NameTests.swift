import FleetProtocol
import Testing

@Suite struct NameTests {
  /// What people and scripts have put where a device's name belongs.
  static let hostile = [
    "-oProxyCommand=x", "a;b", "../x", "", String(repeating: "a", count: 10_000), "a\nb", "kitchen\u{202E}ip", "A",
    "-a",
    "a-", "a b", "ü", "a.b", "a\0", "\u{FF41}", String(repeating: "a", count: 64),
  ]

  @Test(arguments: hostile) func aHostileNameIsRefusedInOneShortSentence(_ text: String) {
    #expect {
      try DeviceName(validating: text)
    } throws: { error in
      guard let refusal = error as? Refusal else { return false }
      return refusal.code == .nameInvalid && refusal.code.exitStatus == .usage
        && refusal.message.unicodeScalars.count < 400
        && !refusal.message.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E }
    }
  }

  @Test(arguments: ["a", "0", "kitchen-pi", "a--b", String(repeating: "a", count: 63)])
  func aNameIsADNSLabelInLowerCase(_ text: String) throws {
    #expect(try DeviceName(validating: text).rawValue == text)
  }

  @Test func aLoginNameNeverBeginsWithADash() throws {
    #expect(try LoginName(validating: "Pi_1.x-y").rawValue == "Pi_1.x-y")
    for text in ["-l", "", "a b", "root;", "1a", String(repeating: "a", count: 33)] {
      #expect(throws: Refusal.self) { try LoginName(validating: text) }
    }
  }

  @Test func aDeviceIdentityHasSixteenDigits() {
    #expect(DeviceID(random: 0).rawValue == "0000000000000000")
    #expect(DeviceID(random: .max).rawValue == "ffffffffffffffff")
    #expect(DeviceID("0f3a5c7e9b1d2f40") != nil)
    for text in ["", "0F3A5C7E9B1D2F40", "0f3a5c7e9b1d2f4", "0f3a5c7e9b1d2f400", "../../etc/passwd"] {
      #expect(DeviceID(text) == nil)
    }
  }

  @Test func aPortIsPlainDigits() {
    #expect(TCPPort(parsing: "20007")?.rawValue == 20007)
    for text in ["", "0", "65536", "-1", "+1", "01", " 1", "1 ", "0x1", "１"] { #expect(TCPPort(parsing: text) == nil) }
    #expect(PortRange(parsing: "20000-29999")?.count == 10_000)
    #expect(PortRange(parsing: "2-1") == nil)
    #expect(PortRange(parsing: "1-2-3") == nil)
  }
}
