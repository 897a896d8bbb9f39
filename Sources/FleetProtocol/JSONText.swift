extension JSON {
  /// Parses one complete JSON text (RFC 8259) of at most `limit` bytes.
  ///
  /// Stricter than the RFC: no duplicate names, nesting of at most `depth`, valid UTF-8.
  public init(
    parsing bytes: some Collection<UInt8>, limit: Int = Limits.line, depth: Int = Limits.jsonDepth
  ) throws(JSONError) {
    self = try JSONReader.read(Array(bytes), limit: limit, depth: depth) { (reader) throws(JSONError) in
      try reader.value()
    }
  }

  public init(parsing text: String, limit: Int = Limits.line, depth: Int = Limits.jsonDepth) throws(JSONError) {
    try self.init(parsing: text.utf8, limit: limit, depth: depth)
  }

  /// The value on one line, with every control character escaped, without a newline.
  public var text: String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends `text`: what lists thousands of devices makes no string of each.
  public func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    case .number(let value): bytes += (value.isFinite ? "\(value)" : "null").utf8
    case .string(let value): Self.quote(value, into: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let object):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        Self.quote(member.name, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        member.value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func quote(_ value: String, into bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    let isWritten: Void? = value.utf8.withContiguousStorageIfAvailable { escape($0, into: &bytes) }
    if isWritten == nil { Array(value.utf8).withUnsafeBufferPointer { escape($0, into: &bytes) } }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(_ utf8: UnsafeBufferPointer<UInt8>, into bytes: inout [UInt8]) {
    // What needs no escape is copied in one piece.
    var copied = 0
    for (position, byte) in utf8.enumerated() {
      let escape: String
      switch byte {
      case UInt8(ascii: "\""): escape = "\\\""
      case UInt8(ascii: "\\"): escape = "\\\\"
      case UInt8(ascii: "\n"): escape = "\\n"
      case UInt8(ascii: "\t"): escape = "\\t"
      case UInt8(ascii: "\r"): escape = "\\r"
      case 0..<0x20, 0x7F: escape = "\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
      default: continue
      }
      bytes += UnsafeBufferPointer(rebasing: utf8[copied..<position])
      bytes += escape.utf8
      copied = position + 1
    }
    bytes += UnsafeBufferPointer(rebasing: utf8[copied...])
  }
}
