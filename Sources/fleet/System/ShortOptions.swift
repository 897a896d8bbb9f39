import FleetProtocol

/// Options of one letter each, split as OpenSSH's programs split them.
struct ShortOptions: Hashable {
  /// One option; the value is there for the letters that take one.
  struct Option: Hashable {
    let letter: Character
    let value: String?

    /// As a command line has it, the value as a word of its own.
    var words: [String] { ["-\(letter)"] + (value.map { [$0] } ?? []) }
  }

  /// The program whose options they are, for the sentences.
  let program: String
  /// As getopt(3) has it: each letter, and a `:` behind those that take a value.
  let letters: String
  /// What is shown beside an error.
  let usage: String

  /// Takes options up to the first word that is none, and returns whether a `--` ended them. Throws `usage`.
  func take(from rest: inout ArraySlice<String>, into options: inout [Option]) throws(Refusal) -> Bool {
    while let word = rest.first, word.hasPrefix("-"), word != "-" {
      rest.removeFirst()
      if word == "--" { return true }
      if word.hasPrefix("--") { throw unknown(word) }
      var bundle = word.dropFirst()
      while let letter = bundle.popFirst() {
        guard let takesValue = takesValue(letter) else { throw unknown("-\(letter)") }
        guard takesValue else {
          options.append(Option(letter: letter, value: nil))
          continue
        }
        let joined = bundle
        bundle = ""
        guard let value = joined.isEmpty ? rest.popFirst() : String(joined) else {
          throw Refusal(.usage, "the option '-\(letter)' needs a value", hint: usage)
        }
        options.append(Option(letter: letter, value: value))
      }
    }
    return false
  }

  /// `nil` for a letter that is no option.
  private func takesValue(_ letter: Character) -> Bool? {
    guard letter != ":", let index = letters.firstIndex(of: letter) else { return nil }
    let next = letters.index(after: index)
    return next < letters.endIndex && letters[next] == ":"
  }

  private func unknown(_ option: String) -> Refusal {
    Refusal(.usage, "\(program) has no option '\(DisplayText.escaped(option, limit: 40))'", hint: usage)
  }
}
