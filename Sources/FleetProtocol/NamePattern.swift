/// How boxes that join with an enroll key are called: `kiosk-{serial}`.
public struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  /// As it was given.
  public let text: String

  /// What may stand in braces: facts that a box reports of itself.
  public static let facts = ["serial", "mac", "hostname"]

  private enum Part: Hashable {
    case literal(String)
    case fact(String)
  }

  private let parts: [Part]

  /// Literal text of `a-z`, `0-9` and `-` around facts in braces. Throws `name-invalid`.
  public init(validating text: some StringProtocol) throws(Refusal) {
    var parts: [Part] = []
    var rest = Substring(text)
    while !rest.isEmpty {
      if rest.first == "{" {
        guard let end = rest.firstIndex(of: "}") else { throw Self.invalid(text) }
        let fact = String(rest[rest.index(after: rest.startIndex)..<end])
        guard Self.facts.contains(fact) else { throw Self.invalid(text) }
        parts.append(.fact(fact))
        rest = rest[rest.index(after: end)...]
      } else {
        let literal = rest.prefix { $0 != "{" }
        guard literal.utf8.allSatisfy(Self.isNameByte) else { throw Self.invalid(text) }
        parts.append(.literal(String(literal)))
        rest = rest[literal.endIndex...]
      }
    }
    guard !parts.isEmpty, text.utf8.count <= 63 else { throw Self.invalid(text) }
    self.parts = parts
    self.text = String(text)
  }

  /// The name of a box with these facts. What a name cannot hold becomes '-', a fact that is not known `unknown`; what
  /// does not fit is cut off the front of the last fact, since serial numbers differ at their end.
  ///
  /// - Parameter number: from 2 on, for a box whose name is taken: it is put behind.
  public func name(facts: [String: String], number: Int = 1) -> DeviceName {
    let suffix = number > 1 ? "-\(number)" : ""
    var words = parts.map { part in
      switch part {
      case .literal(let literal): literal
      case .fact(let fact): Self.plain(facts[fact] ?? "")
      }
    }
    let excess = words.reduce(suffix.utf8.count) { $0 + $1.utf8.count } - 63
    if excess > 0, let last = parts.lastIndex(where: { if case .fact = $0 { true } else { false } }) {
      words[last] = String(words[last].dropFirst(excess))
    }
    let text = Self.trimmed(words.joined().suffix(63 - suffix.utf8.count)) + suffix
    // What is left has at least the literal or `unknown` in it, and only bytes of a name.
    return (try? DeviceName(validating: text)) ?? Self.nameless(number)
  }

  public var description: String { text }

  private static func nameless(_ number: Int) -> DeviceName {
    guard let name = try? DeviceName(validating: "box-\(max(1, number))") else {
      preconditionFailure("box-N is a name")
    }
    return name
  }

  private static func plain(_ fact: String) -> String {
    var bytes: [UInt8] = []
    for byte in fact.utf8 {
      let isUpper = byte >= 0x41 && byte <= 0x5A
      let plain = isUpper ? byte + 0x20 : isNameByte(byte) ? byte : 0x2D
      if plain != 0x2D || (bytes.last != 0x2D && !bytes.isEmpty) { bytes.append(plain) }
    }
    let text = trimmed(String(decoding: bytes, as: UTF8.self))
    return text.isEmpty ? "unknown" : text
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    var rest = Substring(text).drop { $0 == "-" }
    while rest.last == "-" { rest = rest.dropLast() }
    return String(rest)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D
  }

  private static func invalid(_ text: some StringProtocol) -> Refusal {
    Refusal(
      .nameInvalid, "'\(DisplayText.escaped(text, limit: 70))' cannot name boxes",
      hint: "use a-z, 0-9 and '-' around {serial}, {mac} or {hostname}, such as 'kiosk-{serial}'")
  }
}
