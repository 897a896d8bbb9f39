/// Makes text from another machine safe to show in a terminal or a log line.
public enum DisplayText {
  /// Replaces control characters, line breaks, direction marks and other invisible characters by `\u{...}`,
  /// and cuts after `limit` characters with an ellipsis.
  public static func escaped(_ text: some StringProtocol, limit: Int = .max) -> String {
    // Nearly everything is plain ASCII, and a table has thousands of cells.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), text.utf8.count <= limit { return String(text) }
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else { return result + "..." }
      if isVisible(scalar) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      }
      count += 1
    }
    return result
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: scalar == " "
    // Hangul fillers, selectors of variants and the empty braille cell are letters, marks and symbols that nobody sees.
    default: !scalar.properties.isDefaultIgnorableCodePoint && scalar != "\u{2800}"
    }
  }
}
