import Foundation

/// The checkout that these tests stand in, read as text.
struct Checkout {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Paths of all files below `folder` whose names end in `suffix`, relative to the checkout.
  func files(below folder: String, endingIn suffix: String) -> [String] {
    let base = root.appending(path: folder)
    let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.hasSuffix(suffix) }.map { folder + "/" + $0 }.sorted()
  }

  func text(of path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Modules that a Swift file imports, whatever their access level.
  func imports(of path: String) throws -> [String] {
    try text(of: path).split(separator: "\n").compactMap { line in
      var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
      if let first = words.first, ["public", "internal", "private", "fileprivate", "package"].contains(first) {
        words.removeFirst()
      }
      guard words.count >= 2, words[0] == "import" else { return nil }
      return words.last.flatMap { $0.split(separator: ".").first }.map(String.init)
    }
  }

  /// The rows of the Markdown table that follows the heading, cells without back quotes, the table's head left out.
  func table(under heading: String, in path: String) throws -> [[String]] {
    let lines = try text(of: path).split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(of: Substring(heading)) else { return [] }
    return lines[(start + 1)...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }.dropFirst(2).map { row in
      row.split(separator: "|").map { $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces) }
    }
  }
}
