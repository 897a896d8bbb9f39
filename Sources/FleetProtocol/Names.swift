/// A device's name: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`, one DNS label in lower case.
///
/// Such a name is never mistaken for an option, a path, a shell word or a pattern.
public struct DeviceName: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// Throws `name-invalid` with a sentence that shows the name escaped and shortened.
  public init(validating text: some StringProtocol) throws(Refusal) {
    guard isLabel(text) else {
      throw Refusal(
        .nameInvalid, "'\(DisplayText.escaped(text, limit: 40))' is not a device name",
        hint: "use 1 to 63 of a-z, 0-9 and '-', and neither begin nor end with '-'")
    }
    rawValue = String(text)
  }

  public var description: String { rawValue }

  public static func < (left: DeviceName, right: DeviceName) -> Bool { left.rawValue < right.rawValue }
}

/// An operator's name, of the same form as a device's.
public struct OperatorName: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// Throws `name-invalid`.
  public init(validating text: some StringProtocol) throws(Refusal) {
    guard isLabel(text) else {
      throw Refusal(
        .nameInvalid, "'\(DisplayText.escaped(text, limit: 40))' is not an operator name",
        hint: "use 1 to 63 of a-z, 0-9 and '-', and neither begin nor end with '-'")
    }
    rawValue = String(text)
  }

  public var description: String { rawValue }

  public static func < (left: OperatorName, right: OperatorName) -> Bool { left.rawValue < right.rawValue }
}

/// The account that `fleet ssh` logs in as on a device, or the one that runs `fleet-server`: a POSIX user name.
public struct LoginName: Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// `[A-Za-z_][A-Za-z0-9_.-]{0,31}`, as useradd(8) allows it and upper case besides. Throws `name-invalid`.
  public init(validating text: some StringProtocol) throws(Refusal) {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, bytes.count <= 32, isLetter(first) || first == 0x5F,
      bytes.allSatisfy({ isLetter($0) || isDigit($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D })
    else {
      throw Refusal(
        .nameInvalid, "'\(DisplayText.escaped(text, limit: 40))' is not a login name",
        hint: "use 1 to 32 letters, digits, '_', '.' and '-', beginning with a letter or '_'")
    }
    rawValue = String(text)
  }

  public var description: String { rawValue }
}

/// What names a device for its whole life, whatever it is called: 16 lower-case hexadecimal digits.
public struct DeviceID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// `nil` unless the text is 16 of `0-9a-f`.
  public init?(_ text: some StringProtocol) {
    guard isHexadecimal(text, count: 16) else { return nil }
    rawValue = String(text)
  }

  /// An identity made from 64 random bits.
  public init(random bits: UInt64) { rawValue = hexadecimal(bits) }

  public var description: String { rawValue }

  public static func < (left: DeviceID, right: DeviceID) -> Bool { left.rawValue < right.rawValue }
}

/// What names an enroll key: 8 lower-case hexadecimal digits.
public struct EnrollKeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// Throws `name-invalid` unless the text is 8 of `0-9a-f`.
  public init(validating text: some StringProtocol) throws(Refusal) {
    guard isHexadecimal(text, count: 8) else {
      throw Refusal(
        .nameInvalid, "'\(DisplayText.escaped(text, limit: 40))' is not an enroll key",
        hint: "'fleet enroll-key list' shows them")
    }
    rawValue = String(text)
  }

  /// An identity made from 32 random bits.
  public init(random bits: UInt32) { rawValue = hexadecimal(bits) }

  public var description: String { rawValue }

  public static func < (left: EnrollKeyID, right: EnrollKeyID) -> Bool { left.rawValue < right.rawValue }
}

/// What names a command that waits for devices: 8 lower-case hexadecimal digits.
public struct QueueID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let rawValue: String

  /// Throws `name-invalid` unless the text is 8 of `0-9a-f`.
  public init(validating text: some StringProtocol) throws(Refusal) {
    guard isHexadecimal(text, count: 8) else {
      throw Refusal(
        .nameInvalid, "'\(DisplayText.escaped(text, limit: 40))' is not a queued command",
        hint: "'fleet queue' shows them")
    }
    rawValue = String(text)
  }

  /// An identity made from 32 random bits.
  public init(random bits: UInt32) { rawValue = hexadecimal(bits) }

  public var description: String { rawValue }

  public static func < (left: QueueID, right: QueueID) -> Bool { left.rawValue < right.rawValue }
}

/// As many digits as the number's bits need.
private func hexadecimal(_ bits: some FixedWidthInteger & UnsignedInteger) -> String {
  let digits = String(bits, radix: 16)
  return String(repeating: "0", count: bits.bitWidth / 4 - digits.utf8.count) + digits
}

private func isHexadecimal(_ text: some StringProtocol, count: Int) -> Bool {
  text.utf8.count == count && text.utf8.allSatisfy { isDigit($0) || ($0 >= 0x61 && $0 <= 0x66) }
}

private func isLabel(_ text: some StringProtocol) -> Bool {
  let dash: UInt8 = 0x2D
  let bytes = text.utf8
  guard (1...63).contains(bytes.count), bytes.first != dash, bytes.suffix(1).first != dash else { return false }
  return bytes.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || isDigit($0) || $0 == 0x2D }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

private func isLetter(_ byte: UInt8) -> Bool {
  (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
}
