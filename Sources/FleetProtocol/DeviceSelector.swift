/// Which devices are meant: the words that `fleet list`, `fleet exec` and others take.
///
/// A word is a name pattern (`kitchen-*`), or `KEY=PATTERN` with one of the keys of `Condition`; `!` before a word turns it
/// round. A device is meant if one of the name patterns fits it, or there is none, and every other word does.
public struct DeviceSelector: Hashable, Sendable, CustomStringConvertible {
  /// What a word asks of a device.
  public enum Condition: Hashable, Sendable {
    case name(GlobPattern)
    /// `tag=KEY`: it has the tag; `tag=KEY:PATTERN`: and the value fits.
    case tag(key: String, value: GlobPattern?)
    /// `state=online,stale`: it is in one of these states.
    case state([DeviceState])
    case user(GlobPattern)
  }

  struct Word: Hashable, Sendable {
    var text: String
    var isNegated: Bool
    var condition: Condition
  }

  let words: [Word]

  /// Every device there is.
  public static let everything = DeviceSelector(words: [])

  /// The most words, and the longest one in bytes, that a selector may have.
  public static let mostWords = 1000
  public static let longestWord = 512

  /// Throws `usage` for the first word that is none. No words mean every device.
  public init(_ texts: [String]) throws(Refusal) {
    guard texts.count <= Self.mostWords else {
      throw Refusal(.usage, "a selector has at most \(Self.mostWords) words", hint: "use patterns, such as 'kitchen-*'")
    }
    var words: [Word] = []
    for text in texts { words.append(try Self.word(text)) }
    self.words = words
  }

  private init(words: [Word]) { self.words = words }

  /// As a person would write it, the words separated by spaces.
  public var description: String { words.map(\.text).joined(separator: " ") }

  public var texts: [String] { words.map(\.text) }

  /// Whether it means every device there is.
  public var isEverything: Bool { words.isEmpty }

  /// Whether it asks for what only the moment tells; such a selector cannot say what an operator may reach.
  public var dependsOnState: Bool {
    words.contains { if case .state = $0.condition { true } else { false } }
  }

  /// The names that stand there in full, in their order, where there is nothing else: then each of them is meant to exist.
  public var plainNames: [DeviceName]? {
    var names: [DeviceName] = []
    for word in words {
      guard !word.isNegated, case .name(let pattern) = word.condition, pattern.isPlain,
        let name = try? DeviceName(validating: word.text)
      else { return nil }
      names.append(name)
    }
    return names.isEmpty ? nil : names
  }

  /// The names that stand there in full, whatever else does: each of these devices is meant to exist.
  public var namesInFull: [DeviceName] {
    words.compactMap { word in
      guard !word.isNegated, case .name(let pattern) = word.condition, pattern.isPlain else { return nil }
      return try? DeviceName(validating: word.text)
    }
  }

  /// The same without the words that ask for what only the moment tells.
  public var withoutState: DeviceSelector {
    DeviceSelector(words: words.filter { if case .state = $0.condition { false } else { true } })
  }

  /// `state` is `nil` where it is not known; a word that asks for it then fits.
  public func matches(name: DeviceName, user: LoginName, tags: [String: String], state: DeviceState?) -> Bool {
    func fits(_ word: Word) -> Bool {
      let fits: Bool
      switch word.condition {
      case .name(let pattern): fits = pattern.matches(name.rawValue)
      case .tag(let key, let value): fits = tags[key].map { value?.matches($0) ?? true } ?? false
      case .state(let states):
        guard let state else { return true }
        fits = states.contains(state)
      case .user(let pattern): fits = pattern.matches(user.rawValue)
      }
      return fits != word.isNegated
    }
    var hasNames = false
    var isNamed = false
    for word in words {
      if case .name = word.condition, !word.isNegated {
        hasNames = true
        isNamed = isNamed || fits(word)
      } else if !fits(word) {
        return false
      }
    }
    return isNamed || !hasNames
  }

  public func matches(_ device: DeviceStatus) -> Bool {
    matches(name: device.name, user: device.user, tags: device.tags, state: device.state)
  }

  private static func word(_ text: String) throws(Refusal) -> Word {
    func refusal(_ reason: String) -> Refusal {
      Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 60))' does not say which devices: \(reason)",
        hint: "write a name, a pattern ('kitchen-*'), tag=KEY, tag=KEY:VALUE, state=STATE or user=NAME, or ! before it")
    }
    guard text.utf8.count <= longestWord else { throw refusal("it has more than \(longestWord) bytes") }
    let isNegated = text.hasPrefix("!")
    let rest = isNegated ? text.dropFirst() : text[...]
    guard !rest.isEmpty else { throw refusal("it is empty") }
    func made(_ condition: Condition) -> Word { Word(text: text, isNegated: isNegated, condition: condition) }
    guard let equals = rest.firstIndex(of: "=") else {
      let allowed = rest.utf8.allSatisfy { byte in
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D || byte == 0x2A || byte == 0x3F
      }
      guard allowed else { throw refusal("names are made of a-z, 0-9 and '-', patterns of '*' and '?' besides") }
      return made(.name(GlobPattern(String(rest))))
    }
    let value = rest[rest.index(after: equals)...]
    guard !value.isEmpty else { throw refusal("nothing stands behind '='") }
    switch rest[..<equals] {
    case "tag":
      let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let key = String(parts[0])
      do { try TagRule.check([key: ""]) } catch { throw refusal(error.description) }
      return made(.tag(key: key, value: parts.count == 2 ? GlobPattern(String(parts[1])) : nil))
    case "state":
      var states: [DeviceState] = []
      for name in value.split(separator: ",", omittingEmptySubsequences: false) {
        guard let state = DeviceState(rawValue: String(name)) else {
          throw refusal("a state is one of \(DeviceState.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        states.append(state)
      }
      return made(.state(states))
    case "user": return made(.user(GlobPattern(String(value))))
    default: throw refusal("before '=' stands tag, state or user")
    }
  }
}
