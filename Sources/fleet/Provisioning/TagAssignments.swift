import FleetProtocol

/// Tags as a person writes them: `site=berlin`.
enum TagAssignments {
  /// Parses `key=value` words. Throws `usage`.
  static func parse(_ words: [some StringProtocol]) throws(Refusal) -> [String: String] {
    var tags: [String: String] = [:]
    for word in words {
      guard let equals = word.firstIndex(of: "=") else { throw wrong("'\(shown(word))' is not a tag") }
      let key = String(word[..<equals])
      guard tags.updateValue(String(word[word.index(after: equals)...]), forKey: key) == nil else {
        throw wrong("the tag '\(shown(key))' stands there twice")
      }
    }
    guard tags.count <= Limits.tags, tags.values.allSatisfy({ $0.utf8.count <= Limits.text }) else {
      throw wrong("a device has at most \(Limits.tags) tags, their values at most \(Limits.text) bytes")
    }
    do throws(JSONError) { try TagRule.check(tags) } catch { throw wrong(error.description) }
    return tags
  }

  private static func shown(_ word: some StringProtocol) -> String { DisplayText.escaped(word, limit: 40) }

  private static func wrong(_ message: String) -> Refusal {
    Refusal(.usage, message, hint: "write KEY=VALUE, such as site=berlin")
  }
}
