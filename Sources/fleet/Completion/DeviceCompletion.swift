import FleetProtocol

/// Completes words that name devices.
enum DeviceCompletion {
  static func names(_ known: LaptopNames, without given: [String], word: String) -> [CompletionCandidate] {
    known.names(word).filter { !given.contains($0.rawValue) }.map { .word($0.rawValue, about: "") }
  }

  /// `[USER@]NAME`, as ssh and sftp take it.
  static func logins(_ known: LaptopNames, word: String, suffix: String = "") -> [CompletionCandidate] {
    let user = word.lastIndex(of: "@").map { String(word[...$0]) } ?? ""
    return known.names(String(word.dropFirst(user.count))).map { .word("\(user)\($0)\(suffix)", about: "") }
  }

  /// A file of the laptop, or `[USER@]NAME:PATH`; what lies on a device is not asked for.
  static func places(_ known: LaptopNames, word: String) -> [CompletionCandidate] {
    if word.contains(":") { return [] }
    if word.contains("/") { return [.files] }
    return logins(known, word: word, suffix: ":") + [.files]
  }

  /// A word of a selector: a name, or what a device may be asked for.
  static func selectors(_ known: LaptopNames, word: String) -> [CompletionCandidate] {
    let sign = word.hasPrefix("!") ? "!" : ""
    let rest = String(word.dropFirst(sign.count))
    var candidates: [CompletionCandidate] = []
    func add(_ text: String, _ about: String = "") {
      if text.hasPrefix(rest) { candidates.append(.word(sign + text, about: about)) }
    }
    if rest.hasPrefix("state=") {
      let given = rest.lastIndex(of: ",").map { String(rest[...$0]) } ?? "state="
      for state in DeviceState.allCases { add(given + state.rawValue) }
      return candidates
    }
    if rest.hasPrefix("tag=") {
      for (key, values) in counted(known.tags()) {
        add("tag=\(key)", Self.count(values.total))
        if rest.hasPrefix("tag=\(key):") || values.counts.count <= mostValues {
          for (value, count) in values.counts.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            add("tag=\(key):\(value)", Self.count(count))
          }
        }
      }
      return candidates
    }
    for name in known.names(rest) { add(name.rawValue) }
    add("tag=", "devices with a tag")
    add("state=", "devices in a state")
    add("user=", "devices with a login")
    return candidates
  }

  /// `KEY=VALUE` and `KEY-`, with which `fleet tag` sets and removes.
  static func tagChanges(_ known: LaptopNames, of name: String?, word: String) -> [CompletionCandidate] {
    var candidates: [CompletionCandidate] = []
    func add(_ text: String, _ about: String) {
      if text.hasPrefix(word) { candidates.append(.word(text, about: about)) }
    }
    let tags = known.tags()
    for (key, values) in counted(tags) {
      for value in values.counts.keys.sorted() where !value.isEmpty && values.counts.count <= mostValues {
        add("\(key)=\(value)", "set the tag")
      }
      if values.counts.count > mostValues { add("\(key)=", "set the tag") }
    }
    for key in tags.first(where: { $0.name == name })?.tags.keys.sorted() ?? [] {
      add("\(key)-", "remove the tag")
    }
    return candidates
  }

  private static func count(_ count: Int) -> String { count == 1 ? "1 device" : "\(count) devices" }

  /// A key with more values than this, such as a serial number, shows them only when it is typed in full.
  private static let mostValues = 20

  private struct Values {
    var total = 0
    var counts: [String: Int] = [:]
  }

  private static func counted(_ tags: [(name: String, tags: [String: String])]) -> [(key: String, values: Values)] {
    var found: [String: Values] = [:]
    for device in tags {
      for (key, value) in device.tags {
        // What a shell cannot take as one plain word is not offered.
        guard !value.contains(where: { $0.isWhitespace || "'\"\\`$".contains($0) }) else { continue }
        found[key, default: Values()].total += 1
        found[key, default: Values()].counts[value, default: 0] += 1
      }
    }
    return found.sorted { $0.key < $1.key }.map { (key: $0.key, values: $0.value) }
  }
}
