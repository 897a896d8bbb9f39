/// What may stand where: said here once more, by bytes and without a word of the code that is looked at.
enum PlainText {
  /// Nothing in it moves a cursor, ends a line, turns the direction round or cannot be seen.
  static func isVisible(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
      default: !scalar.properties.isDefaultIgnorableCodePoint && !isBlank(scalar)
      }
    }
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value == 0x2800 || scalar.properties.generalCategory == .spaceSeparator && scalar.value != 0x20
  }

  /// One word for a shell, sshd, ssh_config, known_hosts and a command line alike.
  static func isWord(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    return !bytes.isEmpty && bytes.first != UInt8(ascii: "-")
      && bytes.allSatisfy { (0x21...0x7E).contains($0) && !Array("\"'\\`$;&|<>(){}[]*?!#%~^".utf8).contains($0) }
  }

  /// One line of printable ASCII.
  static func isPlainLine(_ text: some StringProtocol) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }

  /// The words of a command line as a POSIX shell splits it, by bytes; `nil` where a quote stays open or something but
  /// quoted and plain text stands there.
  static func shellWords(_ line: String) -> [[UInt8]]? {
    var words: [[UInt8]] = []
    var word: [UInt8]?
    var rest = Array(line.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "'"):
        guard let end = rest.firstIndex(of: byte) else { return nil }
        word = (word ?? []) + rest[..<end]
        rest = rest[(end + 1)...]
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst() else { return nil }
        word = (word ?? []) + [next]
      case UInt8(ascii: " "):
        if let word { words.append(word) }
        word = nil
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        word = (word ?? []) + [byte]
      default:
        guard Array("._/=,:@+-".utf8).contains(byte) else { return nil }
        word = (word ?? []) + [byte]
      }
    }
    if let word { words.append(word) }
    return words
  }

  /// What an option's value in double quotes says to ssh, its tokens filled in; `nil` where the quotes end too early.
  static func sshValue(_ quoted: String) -> [UInt8]? {
    let bytes = Array(quoted.utf8)
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") else { return nil }
    var rest = bytes[1..<(bytes.count - 1)]
    var value: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return nil
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst() else { return nil }
        value.append(next)
      case UInt8(ascii: "%"):
        guard rest.popFirst() == UInt8(ascii: "%") else { return nil }
        value.append(byte)
      default: value.append(byte)
      }
    }
    return value
  }
}
