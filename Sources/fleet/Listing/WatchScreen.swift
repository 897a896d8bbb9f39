/// A picture that is drawn over the one before, line by line: nothing is wiped first, so nothing flickers.
struct WatchScreen {
  /// On how many lines the picture before stands, the cursor on its last one.
  private var drawn = 0

  /// What moves the cursor back, writes the lines and wipes what is left of the picture before.
  ///
  /// `lines` may be more than fit: the last of those that do says how many are missing. `footer` is always there.
  mutating func picture(_ lines: [String], footer: String, size: TerminalSize) -> String {
    let room = max(1, size.rows - 1)
    var shown = lines
    if lines.count > room {
      shown = lines.prefix(room - 1) + ["… and \(lines.count - room + 1) more"]
    }
    shown.append(DisplayWidth.cut(footer, to: size.columns))
    var text = drawn > 1 ? "\r\u{1B}[\(drawn - 1)A" : "\r"
    text += shown.map { $0 + "\u{1B}[K" }.joined(separator: "\n") + "\u{1B}[J"
    drawn = shown.count
    return text
  }

  /// What wipes the whole screen: after its size has changed nobody knows where the lines are.
  mutating func wipe() -> String {
    drawn = 0
    return "\u{1B}[H\u{1B}[2J"
  }
}
