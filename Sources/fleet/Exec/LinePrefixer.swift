/// Puts a name before each line of a stream that comes in pieces.
///
/// It holds back what is no whole line yet, at most `longestLine` bytes: a longer line is given out in parts, each as a
/// line of its own.
struct LinePrefixer {
  static let longestLine = 64 * 1024

  let prefix: [UInt8]
  let forTerminal: Bool
  private var partial: [UInt8] = []

  init(prefix: String, forTerminal: Bool) {
    self.prefix = Array(prefix.utf8)
    self.forTerminal = forTerminal
  }

  /// The lines that are whole now.
  mutating func take(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = bytes
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      partial += rest[..<end]
      giveOut(into: &result)
      rest = rest[(end + 1)...]
    }
    partial += rest
    while partial.count >= Self.longestLine {
      let more = partial[Self.longestLine...]
      partial = Array(partial[..<Self.longestLine])
      let kept = Array(more)
      giveOut(into: &result)
      partial = kept
    }
    return result
  }

  /// The last line, where it has no end.
  mutating func end() -> [UInt8] {
    var result: [UInt8] = []
    if !partial.isEmpty { giveOut(into: &result) }
    return result
  }

  private mutating func giveOut(into result: inout [UInt8]) {
    result += prefix
    result += OutputText.line(partial[...], forTerminal: forTerminal)
    result.append(UInt8(ascii: "\n"))
    partial.removeAll(keepingCapacity: true)
  }
}
