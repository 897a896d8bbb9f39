import FleetProtocol

/// Why another program failed, in its own words: what it says last is nearly always the reason.
enum LastLine {
  /// The last line that is not blank, escaped and cut to what a terminal shows well; `nil` when there is none.
  static func of(_ text: String) -> String? {
    text.split(whereSeparator: \.isNewline).last { $0.contains { !$0.isWhitespace } }
      .map { DisplayText.escaped($0, limit: 300) }
  }
}
