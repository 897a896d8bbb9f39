/// Plain text in the language of manual pages, mdoc(7).
enum MdocText {
  /// Characters that a formatter would take for its own, or print as others than people type.
  static func escaped(_ text: some StringProtocol) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "'": result += "\\(aq"
      case "`": result += "\\(ga"
      case "^": result += "\\(ha"
      case "~": result += "\\(ti"
      default: result.append(character)
      }
    }
    return result.hasPrefix(".") ? "\\&" + result : result
  }

  /// One argument of a macro.
  static func argument(_ text: String) -> String {
    "\"" + escaped(text).replacing("\"", with: "\\(dq") + "\""
  }

  /// Running text, as mdoc wants it: a new line for each sentence, and none longer than 80 bytes.
  static func sentences(_ text: some StringProtocol) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if !line.isEmpty, escaped("\(line) \(word)").utf8.count > 80 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
      if [".", "?", "!"].contains(where: { word.hasSuffix($0) }) {
        lines.append(line)
        line = ""
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines.map { escaped($0) + "\n" }.joined()
  }

  /// Text whose lines stay as they are.
  static func literal(_ lines: [Substring]) -> String {
    let margin = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return ".Bd -literal -offset indent\n" + lines.map { escaped($0.dropFirst(margin)) + "\n" }.joined() + ".Ed\n"
  }

  /// A command's discussion: paragraphs, headings in capitals, and indented lines that stay as they are.
  static func discussion(_ text: String) -> String {
    var result = ""
    var paragraph: [Substring] = []
    var indented: [Substring] = []
    func finish() {
      while indented.last?.isEmpty == true { indented.removeLast() }
      if !paragraph.isEmpty { result += ".Pp\n" + sentences(paragraph.joined(separator: " ")) }
      if !indented.isEmpty { result += literal(indented) }
      (paragraph, indented) = ([], [])
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("  ") {
        if !paragraph.isEmpty { finish() }
        indented.append(line)
      } else if line.isEmpty {
        if indented.isEmpty { finish() } else { indented.append(line) }
      } else {
        if !indented.isEmpty { finish() }
        paragraph.append(line)
      }
    }
    finish()
    return result
  }
}
