/// Reads JSON from its bytes, value by value: what is read thousands of times at once needs no tree of each.
///
/// It never reads past the end and never recurses past the limit. Only `value` refuses a name that stands twice.
public struct JSONReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  /// How many objects and arrays are open.
  private var depth = 0

  private let deepest: Int

  /// Up to so many members an object's names are compared one by one.
  private static let fewMembers = 16

  private init(bytes: UnsafeBufferPointer<UInt8>, deepest: Int) {
    self.bytes = bytes
    self.deepest = deepest
  }

  /// Reads one whole text of at most `limit` bytes, nested at most `depth` deep.
  public static func read<Value>(
    _ bytes: [UInt8], limit: Int, depth: Int = Limits.jsonDepth, _ body: (inout JSONReader) throws(JSONError) -> Value
  ) throws(JSONError) -> Value {
    guard bytes.count <= limit else { throw JSONError("longer than \(limit) bytes") }
    return try bytes.withUnsafeBufferPointer { (bytes) throws(JSONError) in
      var reader = JSONReader(bytes: bytes, deepest: depth)
      let value = try body(&reader)
      reader.skipSpace()
      guard reader.position == bytes.count else { throw JSONError("something follows the JSON value") }
      return value
    }
  }

  /// Whatever comes next.
  public mutating func value() throws(JSONError) -> JSON {
    guard depth <= deepest else { throw JSONError("JSON nested deeper than \(deepest)") }
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"):
      var members: [(name: String, value: JSON)] = []
      var names: Set<String> = []
      try self.object { (name, reader) throws(JSONError) in
        // Looking through all of them for each would let 32 KiB of names cost a second; most objects have few.
        if members.count == Self.fewMembers { names = Set(members.map(\.name)) }
        let isNew =
          members.count < Self.fewMembers ? !members.contains { $0.name == name } : names.insert(name).inserted
        guard isNew else { throw JSONError("a member's name stands twice") }
        members.append((name, try reader.value()))
      }
      return .object(JSONObject(distinct: members))
    case UInt8(ascii: "["):
      var elements: [JSON] = []
      try array { (reader) throws(JSONError) in elements.append(try reader.value()) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  /// An object with all that is in it.
  public mutating func wholeObject() throws(JSONError) -> JSONObject {
    guard case .object(let object) = try value() else { throw JSONError("an object is missing") }
    return object
  }

  /// An object. `member` gets each name and reads the value behind it.
  public mutating func object(_ member: (String, inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
    try enter(UInt8(ascii: "{"))
    if leaves(UInt8(ascii: "}")) { return }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw JSONError("a member's name is missing") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw JSONError("a ':' is missing") }
      try member(name, &self)
      if leaves(UInt8(ascii: "}")) { return }
      guard take(UInt8(ascii: ",")) else { throw JSONError("a ',' or '}' is missing") }
    }
  }

  /// An array. `element` reads each of its values.
  public mutating func array(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
    try enter(UInt8(ascii: "["))
    if leaves(UInt8(ascii: "]")) { return }
    while true {
      try element(&self)
      if leaves(UInt8(ascii: "]")) { return }
      guard take(UInt8(ascii: ",")) else { throw JSONError("a ',' or ']' is missing") }
    }
  }

  /// A whole number within `range`.
  public mutating func integer(in range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
    skipSpace()
    guard case .integer(let value) = try number(), range.contains(value) else {
      throw JSONError("a whole number from \(range.lowerBound) to \(range.upperBound) is missing")
    }
    return value
  }

  /// What `read` reads, or `nil` for null.
  public mutating func optional<Value>(_ read: (inout JSONReader) throws(JSONError) -> Value) throws(JSONError)
    -> Value?
  {
    skipSpace()
    guard peek == UInt8(ascii: "n") else { return try read(&self) }
    _ = try word("null", .null)
    return nil
  }

  public mutating func string() throws(JSONError) -> String {
    skipSpace()
    guard take(UInt8(ascii: "\"")) else { throw JSONError("a string is missing") }
    let start = position
    var bits: UInt8 = 0
    // Few strings have an escape: they are read in one piece.
    while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      bits |= byte
      position += 1
    }
    let plain = UnsafeBufferPointer(rebasing: bytes[start..<position])
    if take(UInt8(ascii: "\"")) {
      if bits < 0x80 { return String(decoding: plain, as: UTF8.self) }
      guard let text = String(validating: plain, as: UTF8.self) else { throw JSONError("not UTF-8") }
      return text
    }
    var content = Array(plain)
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw JSONError("not UTF-8") }
        return text
      case UInt8(ascii: "\\"): content += Array(String(try escape()).utf8)
      case 0..<0x20: throw JSONError("a control character stands in a string")
      default: content.append(byte)
      }
    }
    throw JSONError("a string has no end")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard let byte = peek else { throw JSONError("a string has no end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let high = try hexadecimalQuad()
      if let scalar = Unicode.Scalar(high) { return scalar }
      guard high < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
        throw JSONError("half of a surrogate pair")
      }
      let low = try hexadecimalQuad()
      guard (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
      else { throw JSONError("half of a surrogate pair") }
      return scalar
    default: throw JSONError("an unknown escape in a string")
    }
  }

  private mutating func hexadecimalQuad() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Unicode.Scalar(byte).properties.isASCIIHexDigit ? byte : nil,
        let nibble = UInt32(String(Unicode.Scalar(digit)), radix: 16)
      else { throw JSONError("a \\u escape without four digits") }
      value = value << 4 | nibble
      position += 1
    }
    return value
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    let negative = take(UInt8(ascii: "-"))
    let whole = digits()
    let first = bytes.indices.contains(start + (negative ? 1 : 0)) ? bytes[start + (negative ? 1 : 0)] : 0
    guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { throw JSONError("not a JSON value") }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard digits() > 0 else { throw JSONError("a number ends in '.'") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard digits() > 0 else { throw JSONError("a number has no exponent") }
    }
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw JSONError("a number is too large") }
    return .number(value)
  }

  private mutating func enter(_ bracket: UInt8) throws(JSONError) {
    skipSpace()
    guard depth <= deepest else { throw JSONError("JSON nested deeper than \(deepest)") }
    guard take(bracket) else { throw JSONError("a '\(Unicode.Scalar(bracket))' is missing") }
    depth += 1
  }

  private mutating func leaves(_ bracket: UInt8) -> Bool {
    skipSpace()
    guard take(bracket) else { return false }
    depth -= 1
    return true
  }

  private mutating func digits() -> Int {
    let start = position
    while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    return position - start
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    guard bytes[position...].starts(with: word.utf8) else { throw JSONError("not a JSON value") }
    position += word.utf8.count
    return value
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }
}
