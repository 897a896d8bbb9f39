import FleetProtocol

/// What a device has written, as a terminal may be given it.
enum OutputText {
  /// The line without its end. On a terminal control characters are escaped, except tabs, so that a device can neither
  /// move the cursor nor pretend to be another; elsewhere the bytes stay as they are.
  static func line(_ bytes: ArraySlice<UInt8>, forTerminal: Bool) -> [UInt8] {
    guard forTerminal else { return Array(bytes) }
    let bytes = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) { return Array(bytes) }
    let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
    return Array(parts.map { DisplayText.escaped($0) }.joined(separator: "\t").utf8)
  }

  /// Several lines, each with a newline behind it, also the last.
  static func lines(_ bytes: [UInt8], forTerminal: Bool) -> [UInt8] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty ?? true { _ = lines.popLast() }
    return lines.flatMap { line($0, forTerminal: forTerminal) + [UInt8(ascii: "\n")] }
  }
}
