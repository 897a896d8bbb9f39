import ArgumentParser
import CommandGrammar
import FleetProtocol

/// What the shells' completions ask; people do not type it.
struct CompleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete", abstract: "Print what the last of the words may become.", usage: "fleet complete WORD...",
    discussion: """
      Each line is a word and, behind a tab, what it is; ':files' and ':folders' stand for what the shell knows. \
      Nobody is asked: names are those of the last list.

      EXAMPLE
        fleet complete ssh kit
      """, shouldDisplay: false)

  @Argument(parsing: .captureForPassthrough, help: "The words behind 'fleet', up to the cursor.")
  var words: [String] = []

  func run() throws { try Self.run(words) }

  static func run(_ words: [String]) throws(Refusal) {
    let (host, rest) = Self.host(in: words)
    let lines = candidates(rest, known: LaptopNames.read(host: host)).map { "\($0.line)\n" }
    try StandardStreams.print(lines.joined())
  }

  /// Takes `--host NAME` off, unless its value is what is completed.
  private static func host(in words: [String]) -> (host: String?, rest: [String]) {
    if words.count > 2, words[0] == "--host" { return (words[1], Array(words.dropFirst(2))) }
    if words.count > 1, words[0].hasPrefix("--host=") {
      return (String(words[0].dropFirst("--host=".count)), Array(words.dropFirst()))
    }
    return (nil, words)
  }

  /// Walks along the commands as far as the words name them, and asks the last one.
  static func candidates(_ words: [String], known: LaptopNames) -> [CompletionCandidate] {
    var command: any ParsableCommand.Type = FleetCommand.self
    var path: [String] = []
    var rest = words.dropLast()
    while let word = rest.first,
      let next = command.configuration.subcommands.first(where: { $0._commandName == word })
    {
      command = next
      path.append(word)
      rest = rest.dropFirst()
    }
    guard var grammar = try? CommandGrammar(parsingDump: command._dumpHelp()) else { return [] }
    if path.isEmpty { grammar.arguments.append(hostOption) }
    return CommandCompletion(command: grammar, path: path, known: known)
      .candidates(after: Array(rest), word: words.last ?? "")
  }

  /// Stands before the command, where the argument parser does not see it.
  private static let hostOption = GrammarArgument(
    .option, names: ["--host"], valueName: "hosta", abstract: "Which HostA is meant.")
}
