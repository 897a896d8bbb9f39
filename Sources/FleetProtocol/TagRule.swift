/// Which tags a device may have: what a table can show and a later selector can name.
public enum TagRule {
  /// Throws a sentence for the first tag that cannot be one.
  public static func check(_ tags: [String: String]) throws(JSONError) {
    for (key, value) in tags {
      let isPlain = key.utf8.allSatisfy { byte in
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D || byte == 0x5F || byte == 0x2E
      }
      guard isPlain, (1...Limits.tagKey).contains(key.utf8.count) else {
        throw JSONError("a tag's key must be 1 to \(Limits.tagKey) of a-z, 0-9, '-', '_' and '.'")
      }
      guard value.utf8.count <= Limits.text else { throw JSONError("a tag's value has at most \(Limits.text) bytes") }
      guard DisplayText.escaped(value) == value else { throw JSONError("a tag's value holds an invisible character") }
    }
  }
}

extension JSONObject {
  /// The tags of a device, each of which can be one; none where the member is not there.
  func tags(_ name: String) throws(JSONError) -> [String: String] {
    let tags = try stringMap(name, count: Limits.tags, limit: Limits.text)
    try TagRule.check(tags)
    return tags
  }
}

/// One `KEY=VALUE`, as a person writes it.
public struct Tag: Hashable, Sendable {
  public let key: String
  public let value: String

  /// Splits at the first `=`. Throws `usage`.
  public init(parsing text: String) throws(Refusal) {
    func refusal(_ reason: String) -> Refusal {
      Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 60))' is not a tag: \(reason)",
        hint: "write KEY=VALUE, such as site=berlin")
    }
    guard let equals = text.firstIndex(of: "=") else { throw refusal("it has no '='") }
    key = String(text[..<equals])
    value = String(text[text.index(after: equals)...])
    do { try TagRule.check([key: value]) } catch { throw refusal(error.description) }
  }

  /// The tags of one device, each key once. Throws `usage`.
  public static func all(_ texts: [String]) throws(Refusal) -> [String: String] {
    var tags: [String: String] = [:]
    for text in texts {
      let tag = try Tag(parsing: text)
      guard tags.updateValue(tag.value, forKey: tag.key) == nil else {
        throw Refusal(.usage, "the tag '\(tag.key)' is given twice", hint: "a device has one value for each key")
      }
    }
    guard tags.count <= Limits.tags else { throw Refusal(.usage, "a device has at most \(Limits.tags) tags") }
    return tags
  }
}
