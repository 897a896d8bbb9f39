import FleetProtocol

/// A length of time as people write it: `30d`, `12h`, `90m`, `2w`, `45s`.
struct Lifetime: Hashable {
  let seconds: Int64

  private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400]

  /// A whole number and a unit, up to ten years. Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    let digits = text.dropLast()
    guard let unit = text.last.flatMap({ Self.units[$0] }), !digits.isEmpty,
      digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = Int64(digits), count > 0
    else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 40))' is not a length of time",
        hint: "write a number and one of s, m, h, d and w, such as 30d")
    }
    let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
    guard !overflow, seconds <= ProvisionBody.longestExpiry_s else {
      throw Refusal(.usage, "'\(DisplayText.escaped(text, limit: 40))' is too long", hint: "ten years are the most")
    }
    self.seconds = seconds
  }
}
