import FleetProtocol
import Testing

@Suite struct DeviceSelectorTests {
  private func means(_ words: [String], state: DeviceState? = .online) throws -> Bool {
    try DeviceSelector(words).matches(
      name: try DeviceName(validating: "kitchen-pi"), user: try LoginName(validating: "pi"),
      tags: ["site": "berlin", "empty": "", "note": "on the: shelf"], state: state)
  }

  @Test(arguments: [
    [], ["kitchen-pi"], ["kitchen-*"], ["*"], ["?itchen-pi"], ["attic", "kitchen-pi"], ["!attic"], ["tag=site"],
    ["tag=site:berlin"], ["tag=site:b*n"], ["tag=empty"], ["tag=empty:*"], ["tag=note:on the: shelf"],
    ["tag=note:on?the:?shelf"], ["!tag=old"], ["!tag=site:bonn"], ["state=online"], ["state=stale,online"],
    ["!state=offline"], ["user=pi"], ["user=p?"], ["!user=root"],
    ["kitchen-*", "attic-*", "tag=site:berlin", "!tag=old", "state=online", "user=pi"],
  ])
  func theDeviceIsMeant(_ words: [String]) throws { #expect(try means(words)) }

  @Test(arguments: [
    ["kitchen"], ["kitchen-p"], ["kitchen-???"], ["attic", "hall"], ["!kitchen-*"],
    ["kitchen-*", "!kitchen-pi"], ["kitchen-*", "tag=old"], ["tag=old"], ["tag=site:bonn"], ["tag=empty:x"],
    ["!tag=site"], ["state=offline"], ["state=stale,offline"], ["!state=online"], ["user=root"],
    ["tag=site:berlin", "tag=old"],
  ])
  func theDeviceIsNotMeant(_ words: [String]) throws { #expect(try !means(words)) }

  @Test func aStateThatIsNotKnownRulesNothingOut() throws {
    #expect(try means(["state=offline"], state: nil))
    #expect(try means(["!state=offline"], state: nil))
    #expect(try !means(["state=offline", "attic"], state: nil))
  }

  @Test(
    arguments: [
      "", "!", "Kitchen", "a b", "a/b", "../x", "tag=", "tag=Site", "tag=:x", "state=", "state=on",
      "state=online,", "user=", "colour=red", "=x", "!!a", "kitchen;id", "é", String(repeating: "a", count: 513),
    ])
  func whatIsNoWordIsRefused(_ word: String) {
    #expect { try DeviceSelector([word]) } throws: { ($0 as? Refusal)?.code == .usage }
  }

  @Test func aSelectorHasSoManyWordsAndNoMore() throws {
    #expect(try DeviceSelector([String](repeating: "a", count: 1000)).texts.count == 1000)
    #expect { try DeviceSelector([String](repeating: "a", count: 1001)) } throws: {
      ($0 as? Refusal)?.code == .usage
    }
  }

  @Test func itIsWrittenAsItWasRead() throws {
    let words = ["kitchen-*", "!tag=old", "tag=site:berlin", "user=pi"]
    #expect(try DeviceSelector(words).texts == words)
    #expect(try DeviceSelector(words).description == "kitchen-* !tag=old tag=site:berlin user=pi")
    #expect(try DeviceSelector([]) == .everything && DeviceSelector.everything.isEverything)
  }

  @Test func onlyStatesDependOnTheMoment() throws {
    #expect(try DeviceSelector(["a", "!state=online"]).dependsOnState)
    #expect(try !DeviceSelector(["a", "tag=state:online", "user=x"]).dependsOnState)
  }

  @Test func namesThatStandInFullAreKnown() throws {
    let names = [try DeviceName(validating: "b"), try DeviceName(validating: "a")]
    #expect(try DeviceSelector(["b", "a"]).plainNames == names)
    for words in [[], ["b", "a*"], ["b", "!a"], ["b", "tag=x"]] {
      #expect(try DeviceSelector(words).plainNames == nil, "\(words)")
    }
  }
}

@Suite struct GlobPatternTests {
  @Test(arguments: [
    ("", ""), ("a", "a"), ("*", ""), ("*", "abc"), ("**", "abc"), ("a*", "a"), ("*c", "abc"), ("a*c", "abbc"),
    ("?", "a"),
    ("?", "é"), ("a?c", "abc"), ("*b*", "abc"), ("a*b*c", "aXbYbZc"), ("*?", "a"), ("[a]", "[a]"), ("a.c", "a.c"),
  ])
  func itFits(_ pattern: String, _ text: String) { #expect(GlobPattern(pattern).matches(text)) }

  @Test(arguments: [
    ("", "a"), ("a", ""), ("a", "ab"), ("a", "ba"), ("a", "A"), ("?", ""), ("?", "ab"), ("*?", ""), ("a*c", "abd"),
    ("a.c", "abc"), ("[a]", "a"), ("a*b*c", "acb"),
  ])
  func itDoesNot(_ pattern: String, _ text: String) { #expect(!GlobPattern(pattern).matches(text)) }

  @Test func aPatternWithoutSignsIsPlain() {
    #expect(GlobPattern("kitchen-pi").isPlain && GlobPattern("").isPlain)
    #expect(!GlobPattern("kitchen-*").isPlain && !GlobPattern("?").isPlain)
  }

  /// What takes a matcher that tries every way longer than the world stands.
  @Test(.timeLimit(.minutes(1))) func noPatternTakesLong() {
    let text = String(repeating: "a", count: 2000)
    for pattern in [
      String(repeating: "a*", count: 250) + "b", String(repeating: "*a", count: 250) + "b",
      String(repeating: "*", count: 511) + "b", String(repeating: "?*", count: 250) + "b",
      "*" + String(repeating: "a", count: 500) + "b",
    ] {
      #expect(!GlobPattern(pattern).matches(text))
    }
  }

  /// A seeded generator: the same answer as from a matcher that tries every way.
  @Test func itSaysWhatTryingEveryWaySays() {
    func tried(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return tried(pattern.dropFirst(), text) || !text.isEmpty && tried(pattern, text.dropFirst())
      }
      guard let letter = text.first, first == "?" || first == letter else { return false }
      return tried(pattern.dropFirst(), text.dropFirst())
    }
    var random = SplitMix64(state: 7)
    for _ in 0..<5000 {
      let pattern = (0..<Int.random(in: 0...6, using: &random)).map { _ in "ab*?".randomElement(using: &random)! }
      let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in "ab".randomElement(using: &random)! }
      #expect(GlobPattern(String(pattern)).matches(String(text)) == tried(pattern[...], text[...]))
    }
  }
}
