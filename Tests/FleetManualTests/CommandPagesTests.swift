import CommandGrammar
import Testing

@testable import FleetManual

/// What a manual page says of a program's commands.
@Suite struct CommandPagesTests {
  @Test func theDumpOfTheArgumentParserIsUnderstood() throws {
    let grammar = try CommandGrammar(
      parsingDump: """
        {"command":{"commandName":"tool","shouldDisplay":true,"subcommands":[
          {"abstract":"Do it.","commandName":"do","superCommands":["tool"],"shouldDisplay":true,"arguments":[
            {"kind":"positional","valueName":"name","abstract":"Whose.","isOptional":false,"isRepeating":true,
             "shouldDisplay":true,"parsingStrategy":"default"},
            {"kind":"option","names":[{"kind":"long","name":"color"},{"kind":"short","name":"c"}],"valueName":"color",
             "defaultValue":"red","allValues":["red","blue"],"isOptional":true,"isRepeating":false,
             "shouldDisplay":true,"parsingStrategy":"default"}]}]},"serializationVersion":0}
        """)
    let command = try #require(grammar.subcommands.first)
    #expect(
      command.positionals == [
        GrammarArgument(
          .positional, valueName: "name", abstract: "Whose.", isOptional: false, isRepeating: true)
      ])
    #expect(
      command.options == [
        GrammarArgument(
          .option, names: ["--color", "-c"], valueName: "color", defaultValue: "red", values: ["red", "blue"])
      ])
  }

  @Test func aCommandHasItsUsageItsDiscussionAndItsOptions() {
    let grammar = CommandGrammar(
      name: "tool",
      subcommands: [
        CommandGrammar(
          name: "do", abstract: "Do it.",
          discussion: "One thing. Another's.\n\nEXAMPLE\n  tool do \\\n    --all\n\n  tool do",
          arguments: [
            GrammarArgument(.flag, names: ["-a", "--all"], abstract: "Everything."),
            GrammarArgument(.option, names: ["--key"], valueName: "file", abstract: "Which.", defaultValue: "id"),
            GrammarArgument(.flag, names: ["-h", "--help"], abstract: "Show help."),
            GrammarArgument(.flag, names: ["--secret"], isShown: false),
          ]),
        CommandGrammar(name: "hidden", isShown: false), CommandGrammar(name: "help"),
      ])
    #expect(
      CommandPages.sections(of: grammar, usage: [["do"]: "tool do [--all]"]) == #"""
        .Ss tool do
        Do it.
        .Bd -literal -offset indent
        tool do [\-\-all]
        .Ed
        .Pp
        One thing.
        Another\(aqs.
        .Pp
        EXAMPLE
        .Bd -literal -offset indent
        tool do \e
          \-\-all

        tool do
        .Ed
        .Bl -tag -width Ds
        .It Fl a , Fl \-all
        Everything.
        .It Fl \-key Ar "file"
        Which.
        Default: id.
        .El

        """#)
    #expect(CommandPages.paths(of: grammar) == [["do"]])
  }

  @Test func textIsNotTakenForMacros() {
    #expect(MdocText.sentences(".Sh is no heading") == "\\&.Sh is no heading\n")
    #expect(MdocText.argument("a\"b") == "\"a\\(dqb\"")
  }

  @Test func aTemplateSaysWhatItNeeds() throws {
    #expect(
      try PageTemplate.filled(".Dd @DATE@\n@COMMANDS@\nend\n", ["@DATE@": "today", "@COMMANDS@": "x\n"])
        == ".Dd today\nx\nend\n")
    #expect(throws: (any Error).self) { try PageTemplate.filled("@OTHER@\n", [:]) }
  }
}
