/// How far the audit goes: the last entry's number and hash.
public struct AuditHead: Hashable, Sendable {
  public var number: Int64
  /// 64 digits, as they stand in the lines.
  public var hash: String

  public init(number: Int64, hash: String) {
    self.number = number
    self.hash = hash
  }

  /// Before the first entry.
  public static let beginning = AuditHead(number: 0, hash: String(repeating: "0", count: 64))

  /// The hash of the entry that follows.
  public func hash(ofNext text: [UInt8]) -> String { SHA256.hexadecimal(Array(hash.utf8) + text) }
}

/// An entry's line: its text with the hash as the last member.
public struct AuditLine: Hashable, Sendable {
  public let number: Int64
  /// The line without its hash.
  public let text: [UInt8]
  public let hash: String

  private static let numberStart = Array(#"{"n":"#.utf8)
  private static let hashStart = Array(#","hash":""#.utf8)
  private static let end = Array(#""}"#.utf8)
  private static let digits = 64

  /// `nil` for what is no line of the audit. Of the text only the number is read.
  public init?(parsing line: some BidirectionalCollection<UInt8>) {
    let line = Array(line)
    let tail = Self.hashStart.count + Self.digits + Self.end.count
    guard line.count <= Limits.auditLine, line.count > tail, let number = Self.number(of: line) else { return nil }
    let (body, rest) = (line.dropLast(tail), line.suffix(tail))
    let hash = rest.dropFirst(Self.hashStart.count).prefix(Self.digits)
    guard rest.starts(with: Self.hashStart), rest.suffix(Self.end.count).elementsEqual(Self.end),
      hash.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 })
    else { return nil }
    self.number = number
    text = body + [UInt8(ascii: "}")]
    self.hash = String(decoding: hash, as: UTF8.self)
  }

  /// The number at the beginning of a line; `nil` where none stands there.
  public static func number(of line: some Collection<UInt8>) -> Int64? {
    guard line.starts(with: numberStart) else { return nil }
    let digits = line.dropFirst(numberStart.count).prefix(20).prefix { $0 >= 0x30 && $0 <= 0x39 }
    guard digits.first != 0x30, line.dropFirst(numberStart.count + digits.count).first == UInt8(ascii: ",") else {
      return nil
    }
    return Int64(String(decoding: digits, as: UTF8.self))
  }

  /// The line of a text with this hash, whatever the hash says.
  public static func bytes(text: [UInt8], hash: String) -> [UInt8] {
    var line = Array(text.dropLast())
    line += #","hash":"#.utf8
    JSON.string(hash).write(to: &line)
    line.append(UInt8(ascii: "}"))
    return line
  }
}
