import CommandGrammar

/// The part of a manual page that tells a program's commands, from what the program says of itself.
enum CommandPages {
  /// A section for each command that `--help` shows, and for each of theirs.
  ///
  /// `usage` has the lines that stand behind `USAGE:` in the help of a command, by its words.
  static func sections(of program: CommandGrammar, usage: [[String]: String]) -> String {
    program.subcommands.filter { $0.isShown && $0.name != "help" }
      .map { section($0, path: [program.name], usage: usage) }.joined()
  }

  /// The words of every command that has a section, without the program's name.
  static func paths(of program: CommandGrammar) -> [[String]] {
    program.subcommands.filter { $0.isShown && $0.name != "help" }
      .flatMap { command in [[command.name]] + paths(of: command).map { [command.name] + $0 } }
  }

  private static func section(_ command: CommandGrammar, path: [String], usage: [[String]: String]) -> String {
    let path = path + [command.name]
    var text = ".Ss \(MdocText.escaped(path.joined(separator: " ")))\n"
    text += MdocText.sentences(command.abstract)
    if let usage = usage[Array(path.dropFirst())] {
      text += MdocText.literal(usage.split(separator: "\n"))
    }
    text += MdocText.discussion(command.discussion)
    text += list(command.positionals.filter { !$0.abstract.isEmpty } + ownOptions(of: command))
    for subcommand in command.subcommands where subcommand.isShown && subcommand.name != "help" {
      text += section(subcommand, path: path, usage: usage)
    }
    return text
  }

  private static func ownOptions(of command: CommandGrammar) -> [GrammarArgument] {
    command.options.filter { !$0.names.contains("--help") && !$0.names.contains("--version") }
  }

  private static func list(_ arguments: [GrammarArgument]) -> String {
    if arguments.isEmpty { return "" }
    return ".Bl -tag -width Ds\n" + arguments.map(item).joined() + ".El\n"
  }

  private static func item(_ argument: GrammarArgument) -> String {
    let value = ".Ar".dropFirst() + " " + MdocText.argument(argument.valueName)
    let heading =
      switch argument.kind {
      case .positional: String(value) + (argument.isRepeating ? " ..." : "")
      case .flag: names(argument)
      case .option: "\(names(argument)) \(value)"
      }
    var text = ".It \(heading)\n" + MdocText.sentences(argument.abstract)
    if !argument.discussion.isEmpty { text += MdocText.discussion(argument.discussion) }
    if !argument.values.isEmpty {
      text += MdocText.sentences("One of: \(argument.values.joined(separator: ", ")).")
    }
    if let value = argument.defaultValue, !value.isEmpty, argument.kind == .option {
      text += MdocText.sentences("Default: \(value).")
    }
    return text
  }

  /// `Fl h , Fl -help`: mdoc writes the first dash itself.
  private static func names(_ argument: GrammarArgument) -> String {
    argument.names.map { "Fl \(MdocText.escaped($0.dropFirst()))" }.joined(separator: " , ")
  }
}
