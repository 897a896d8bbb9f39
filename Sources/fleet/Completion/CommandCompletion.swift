import CommandGrammar
import FleetProtocol

/// Completes the words behind a command.
struct CommandCompletion {
  /// What the program says of the command.
  let command: CommandGrammar
  /// The words of the command, without the program's name: `enroll-key`, `create`.
  let path: [String]
  let known: LaptopNames

  /// What a word stands for, where the grammar says only that it is one.
  enum Subject: Sendable {
    case devices
    case login
    case place
    case selector
    case tagging
    case files
    case folders
    case host
    case nothing
  }

  /// `words` stand between the command and the cursor, `word` under it.
  func candidates(after words: [String], word: String) -> [CompletionCandidate] {
    if let rule = Self.passedOn[path.first ?? ""] { return passedOn(rule, after: words, word: word) }
    let isTerminated = words.contains("--")
    if !isTerminated, let last = words.last, let option = option(named: last), option.kind == .option {
      return values(of: option, word: word)
    }
    if !isTerminated, word.hasPrefix("--"), let equals = word.firstIndex(of: "="),
      let option = option(named: String(word[..<equals]))
    {
      let given = String(word[...equals])
      return values(of: option, word: String(word.dropFirst(given.count))).map { candidate in
        if case .word(let value, let about) = candidate { .word(given + value, about: about) } else { candidate }
      }
    }
    if !isTerminated, word.hasPrefix("-") { return options(after: words, word: word) }
    // What stands behind '--' is a command for a device.
    guard !isTerminated else { return [] }
    let given = positionals(in: words)
    // The parser adds a 'help' to every command's list; it is one only where there are others.
    let subcommands = command.subcommands.filter { $0.isShown && (path.isEmpty || $0.name != "help") }
    if !subcommands.isEmpty {
      guard given.isEmpty || given == ["help"] else { return [] }
      return subcommands.filter { $0.name.hasPrefix(word) }.map { .word($0.name, about: $0.abstract) }
    }
    return complete(subject(ofPositional: given.count), given: given, word: word)
  }

  private func options(after words: [String], word: String) -> [CompletionCandidate] {
    command.options.filter { $0.isRepeating || !$0.names.contains(where: words.contains) }
      .flatMap { option in
        option.names.filter { $0.hasPrefix("--") && $0.hasPrefix(word) }.map { .word($0, about: option.abstract) }
      }
  }

  private func option(named name: String) -> GrammarArgument? {
    command.arguments.first { $0.kind != .positional && $0.names.contains(name) }
  }

  /// The words that are neither options nor their values.
  private func positionals(in words: [String]) -> [String] {
    var positionals: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if !word.hasPrefix("-") {
        positionals.append(word)
      } else if option(named: word)?.kind == .option {
        rest = rest.dropFirst()
      }
    }
    return positionals
  }

  private func values(of option: GrammarArgument, word: String) -> [CompletionCandidate] {
    if !option.values.isEmpty {
      return option.values.filter { $0.hasPrefix(word) }.map { .word($0, about: "") }
    }
    return complete(Self.subject(ofValue: option.valueName), given: [], word: word)
  }

  private func complete(_ subject: Subject, given: [String], word: String) -> [CompletionCandidate] {
    switch subject {
    case .devices: DeviceCompletion.names(known, without: given, word: word)
    case .login: DeviceCompletion.logins(known, word: word)
    case .place: DeviceCompletion.places(known, word: word)
    case .selector: DeviceCompletion.selectors(known, word: word)
    case .tagging: DeviceCompletion.tagChanges(known, of: given.first, word: word)
    case .files: [.files]
    case .folders: [.folders]
    case .host: known.hosts.filter { $0.hasPrefix(word) }.map { .word($0, about: "HostA") }
    case .nothing: []
    }
  }
}

extension CommandCompletion {
  /// Commands whose options are another program's: the letters that take a value, as its getopt has them.
  private static let passedOn: [String: PassedOn] = [
    "ssh": PassedOn(letters: "BbcDEeFIiJLlmOopQRSWw", subject: .login, most: 1),
    "sftp": PassedOn(letters: "BbCcDFiJloPRSsX", subject: .login, most: 1),
    "cp": PassedOn(letters: "cDFiJlMoPSX", subject: .place, most: .max),
    "rsync": PassedOn(letters: "@BefMT", subject: .place, most: .max),
    "proxy": PassedOn(letters: "", subject: .devices, most: 1),
  ]

  private struct PassedOn {
    let letters: String
    let subject: Subject
    /// How many of them there can be; what follows is a command for the device.
    let most: Int
  }

  /// What the positional argument of this number is.
  private func subject(ofPositional number: Int) -> Subject {
    switch path {
    case ["tag"] where number > 0: return .tagging
    // A name that nobody has yet.
    case ["provision"], ["approve"], ["reject"]: return .nothing
    case ["rename"] where number > 0: return .nothing
    case ["forward"]: return number == 0 ? .login : .nothing
    case _ where path.first == "hosts": return number == 0 ? .host : .nothing
    default: break
    }
    let positionals = command.arguments.filter { $0.kind == .positional }
    guard let argument = number < positionals.count ? positionals[number] : positionals.last,
      number < positionals.count || argument.isRepeating
    else { return .nothing }
    return Self.subject(ofValue: argument.valueName)
  }

  /// What people write for a value, in the words of the help.
  private static func subject(ofValue name: String) -> Subject {
    switch name {
    case "name", "names", "device", "devices": .devices
    case "[user@]name": .login
    case "selector", "selectors": .selector
    case "file", "file.tar", "file.csv", "path": .files
    case "folder", "dir", "mountpoint": .folders
    case "hosta", "host": .host
    default: .nothing
    }
  }

  private func passedOn(
    _ rule: PassedOn, after words: [String], word: String
  ) -> [CompletionCandidate] {
    if word.hasPrefix("-") { return "--help".hasPrefix(word) ? [.word("--help", about: "show help")] : [] }
    var given: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-") else {
        given.append(word)
        continue
      }
      if word == "--" { continue }
      guard let index = word.dropFirst().firstIndex(where: rule.letters.contains) else { continue }
      // The value is the rest of the word, or else the next one.
      guard word.index(after: index) == word.endIndex else { continue }
      if rest.isEmpty { return "iEFS".contains(word[index]) ? [.files] : [] }
      rest.removeFirst()
    }
    return given.count < rule.most ? complete(rule.subject, given: given, word: word) : []
  }
}
