/// A moment in whole seconds since 1970-01-01 UTC, written as RFC 3339 on the wire.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let seconds: Int64

  public init(seconds: Int64) { self.seconds = seconds }

  /// Parses exactly `YYYY-MM-DDTHH:MM:SSZ`.
  public init?(parsing text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == Self.pattern.count else { return nil }
    for (byte, expected) in zip(bytes, Self.pattern) {
      let isDigit = byte >= 0x30 && byte <= 0x39
      guard expected == 0x30 ? isDigit : byte == expected else { return nil }
    }
    func number(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
    let time = (hour: number(11..<13), minute: number(14..<16), second: number(17..<19))
    guard (1...12).contains(number(5..<7)), time.hour < 24, time.minute < 60, time.second < 60 else { return nil }
    let day = Self.days(year: number(0..<4), month: number(5..<7), day: number(8..<10))
    seconds = day * 86_400 + time.hour * 3600 + time.minute * 60 + time.second
    // A 31st of February is counted into March: only what is written back unchanged was a date.
    guard description == text else { return nil }
  }

  /// A year that four digits do not write is shown as the nearest that they do.
  public var description: String {
    let seconds = min(max(seconds, Self.first_s), Self.last_s)
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let second = seconds - day * 86_400
    let date = Self.date(day)
    return String(unsafeUninitializedCapacity: Self.pattern.count) { text in
      _ = text.initialize(from: Self.pattern)
      func put(_ value: Int64, _ range: Range<Int>) {
        var rest = value
        for place in range.reversed() {
          text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
          rest /= 10
        }
      }
      put(date.year, 0..<4)
      put(date.month, 5..<7)
      put(date.day, 8..<10)
      put(second / 3600, 11..<13)
      put(second / 60 % 60, 14..<16)
      put(second % 60, 17..<19)
      return Self.pattern.count
    }
  }

  public static func < (left: Timestamp, right: Timestamp) -> Bool { left.seconds < right.seconds }

  private static let pattern = Array("0000-00-00T00:00:00Z".utf8)
  private static let first_s = days(year: 0, month: 1, day: 1) * 86_400
  private static let last_s = days(year: 10_000, month: 1, day: 1) * 86_400 - 1

  // A year begins in March here, so that the day that comes and goes is its last one. Four hundred of them are 146,097 days,
  // and 719,468 lie between the first and 1970.

  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let year = month > 2 ? year : year - 1
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func date(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let day = day + 719_468
    let era = (day >= 0 ? day : day - 146_096) / 146_097
    let dayOfEra = day - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    return (
      yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9,
      dayOfYear - (153 * month + 2) / 5 + 1
    )
  }
}
