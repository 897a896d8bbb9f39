import FleetProtocol

/// A manual page as it stands in `man`: mdoc, with a line `@WORD@` for each part that is filled in.
enum PageTemplate {
  /// Throws for a line `@WORD@` that nothing is known for.
  static func filled(_ template: String, _ parts: [String: String]) throws(Refusal) -> String {
    var result = ""
    for line in template.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      if let part = parts[String(line)] {
        result += part
        continue
      }
      var line = String(line)
      for (name, value) in parts { line = line.replacing(name, with: value) }
      if line.hasPrefix("@") { throw Refusal(.usage, "nothing is known for \(DisplayText.escaped(line))") }
      result += line + "\n"
    }
    return result
  }
}
