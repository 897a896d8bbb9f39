import FleetProtocol

/// Tags to set and to remove, as a command line spells them: `site=berlin old-`.
struct TagChange: Hashable {
  private(set) var set: [String: String] = [:]
  private(set) var remove: Set<String> = []

  /// HostA says what a key may be; here only what is meant must be clear. Throws `usage`.
  init(parsing words: [String]) throws(Refusal) {
    for word in words {
      let key: String
      if let equals = word.firstIndex(of: "=") {
        key = String(word[..<equals])
        guard set.updateValue(String(word[word.index(after: equals)...]), forKey: key) == nil else {
          throw Self.twice(key)
        }
      } else if word.hasSuffix("-") {
        key = String(word.dropLast())
        guard remove.insert(key).inserted else { throw Self.twice(key) }
      } else {
        throw Refusal(
          .usage, "'\(DisplayText.escaped(word, limit: 80))' is not a tag", hint: "KEY=VALUE sets one, KEY- removes it")
      }
      guard !key.isEmpty else {
        throw Refusal(.usage, "'\(DisplayText.escaped(word, limit: 80))' names no tag", hint: "KEY=VALUE, or KEY-")
      }
      guard set[key] == nil || !remove.contains(key) else { throw Self.twice(key) }
    }
  }

  private static func twice(_ key: String) -> Refusal {
    Refusal(.usage, "the tag \(DisplayText.escaped(key, limit: 63)) is given twice", hint: "say one thing of each tag")
  }

  /// The tags of options that can only set them. Throws `usage`.
  static func settings(parsing words: [String]) throws(Refusal) -> [String: String] {
    let change = try TagChange(parsing: words)
    guard let key = change.remove.min() else { return change.set }
    throw Refusal(
      .usage, "'\(DisplayText.escaped(key, limit: 63))-' removes a tag, and there is none yet", hint: "give KEY=VALUE")
  }
}
