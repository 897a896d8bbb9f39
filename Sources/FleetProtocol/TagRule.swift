/// Which tags a device may have: what a table can show and a later selector can name.
public enum TagRule {
  /// Throws what is wrong with the first tag that is none, as a clause.
  public static func check(_ tags: [String: String]) throws(JSONError) {
    for (key, value) in tags {
      let isPlain = key.utf8.allSatisfy { byte in
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D || byte == 0x5F || byte == 0x2E
      }
      guard isPlain, (1...Limits.tagKey).contains(key.utf8.count) else {
        throw JSONError("a tag's key must be 1 to \(Limits.tagKey) of a-z, 0-9, '-', '_' and '.'")
      }
      guard DisplayText.escaped(value) == value else { throw JSONError("a tag's value holds an invisible character") }
    }
  }
}
