/// The one line of fleet in a person's own ssh configuration, whose every other byte stays as it is.
struct IncludeLine: Hashable {
  /// The file to include, an absolute path.
  let path: String

  private var line: [UInt8] { Array("Include \"\(path)\"".utf8) }
  private static let newline = UInt8(ascii: "\n")

  /// The line stands first: behind a `Host` or `Match` it would count for those hosts only.
  func adding(to content: [UInt8]) -> [UInt8] {
    if lines(of: content).first.map(isOurs) == true { return content }
    return line + [Self.newline] + removing(from: content)
  }

  func removing(from content: [UInt8]) -> [UInt8] { lines(of: content).filter { !isOurs($0) }.flatMap { $0 } }

  /// Each with its newline; the last may have none.
  private func lines(of content: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var rest = content[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: Self.newline).map { rest.index(after: $0) } ?? rest.endIndex
      lines.append(rest[..<end])
      rest = rest[end...]
    }
    return lines
  }

  private func isOurs(_ text: ArraySlice<UInt8>) -> Bool {
    Array(text.last == Self.newline ? text.dropLast() : text) == line
  }
}
