public import FleetProtocol

/// What a program says of one of its commands: read from the JSON text that the argument parser makes of it.
public struct CommandGrammar: Hashable, Sendable {
  public var name: String
  /// One sentence.
  public var abstract: String
  public var discussion: String
  /// Whether `--help` shows it.
  public var isShown: Bool
  public var subcommands: [CommandGrammar]
  /// Positional arguments, options and flags, in the order of `--help`.
  public var arguments: [GrammarArgument]

  public init(
    name: String, abstract: String = "", discussion: String = "", isShown: Bool = true,
    subcommands: [CommandGrammar] = [], arguments: [GrammarArgument] = []
  ) {
    self.name = name
    self.abstract = abstract
    self.discussion = discussion
    self.isShown = isShown
    self.subcommands = subcommands
    self.arguments = arguments
  }

  /// Parses what `--experimental-dump-help` prints.
  public init(parsingDump text: String) throws(JSONError) {
    guard case .object(let object) = try JSON(parsing: text, limit: 1 << 24, depth: 32) else {
      throw JSONError("a program's help is not an object")
    }
    try self.init(object.object("command"))
  }

  private init(_ object: JSONObject) throws(JSONError) {
    name = try object.string("commandName")
    abstract = try object.optionalString("abstract") ?? ""
    discussion = try object.optionalString("discussion") ?? ""
    isShown = object["shouldDisplay"] == nil ? true : try object.flag("shouldDisplay")
    subcommands = []
    for command in try object.objects("subcommands", count: 1000) { subcommands.append(try CommandGrammar(command)) }
    arguments = []
    for argument in try object.objects("arguments", count: 1000) { arguments.append(try GrammarArgument(argument)) }
  }

  /// Positional arguments that `--help` shows.
  public var positionals: [GrammarArgument] { arguments.filter { $0.kind == .positional && $0.isShown } }

  /// Options and flags that `--help` shows.
  public var options: [GrammarArgument] { arguments.filter { $0.kind != .positional && $0.isShown } }
}

/// A positional argument, an option with a value, or a flag.
public struct GrammarArgument: Hashable, Sendable {
  public enum Kind: String, Sendable {
    case positional
    case option
    case flag
  }

  public var kind: Kind
  /// As they are typed: `--json`, `-h`.
  public var names: [String]
  /// What stands for its value in `--help`, without the angle brackets.
  public var valueName: String
  public var abstract: String
  public var discussion: String
  public var defaultValue: String?
  /// Every value that it may have; empty where there is no such list.
  public var values: [String]
  public var isOptional: Bool
  public var isRepeating: Bool
  public var isShown: Bool

  public init(
    _ kind: Kind, names: [String] = [], valueName: String = "", abstract: String = "", discussion: String = "",
    defaultValue: String? = nil, values: [String] = [], isOptional: Bool = true, isRepeating: Bool = false,
    isShown: Bool = true
  ) {
    self.kind = kind
    self.names = names
    self.valueName = valueName
    self.abstract = abstract
    self.discussion = discussion
    self.defaultValue = defaultValue
    self.values = values
    self.isOptional = isOptional
    self.isRepeating = isRepeating
    self.isShown = isShown
  }

  init(_ object: JSONObject) throws(JSONError) {
    guard let kind = Kind(rawValue: try object.string("kind")) else { throw JSONError("an argument is of no kind") }
    self.kind = kind
    names = []
    for name in try object.objects("names", count: 100) {
      let dashes = try name.string("kind") == "long" ? "--" : "-"
      names.append(dashes + (try name.string("name")))
    }
    valueName = try object.optionalString("valueName") ?? ""
    abstract = try object.optionalString("abstract") ?? ""
    discussion = try object.optionalString("discussion") ?? ""
    defaultValue = try object.optionalString("defaultValue")
    values = try object.strings("allValues", count: 1000, limit: 1000)
    if values.isEmpty, case .object(let completion)? = object["completionKind"],
      case .object(let list)? = completion["list"]
    {
      values = try list.strings("values", count: 1000, limit: 1000)
    }
    isOptional = try object.flag("isOptional")
    isRepeating = try object.flag("isRepeating")
    isShown = try object.flag("shouldDisplay")
  }
}
