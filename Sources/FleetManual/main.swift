// Makes a manual page on standard output from a template on standard input.
// usage: fleet-manual DATE [PROGRAM] <template
//
// Used when the programs are built, and not installed: what a program says of its commands is asked of the program.
import CommandGrammar
import FleetProtocol
import Glibc

func page(_ arguments: [String]) throws(Refusal) -> String {
  guard let date = arguments.first else { throw Refusal(.usage, "which date?") }
  var parts = ["@DATE@": MdocText.escaped(date), "@VERSION@": MdocText.escaped(FleetVersion.current)]
  if arguments.count > 1 {
    let program = ProgramHelp(path: arguments[1])
    let grammar = try program.grammar()
    var usage: [[String]: String] = [:]
    for path in CommandPages.paths(of: grammar) { usage[path] = try program.usage(of: path) }
    parts["@COMMANDS@"] = CommandPages.sections(of: grammar, usage: usage)
  }
  var template = ""
  while let line = readLine(strippingNewline: false) { template += line }
  return try PageTemplate.filled(template, parts)
}

do throws(Refusal) {
  print(try page(Array(CommandLine.arguments.dropFirst())), terminator: "")
} catch {
  let text = "fleet-manual: \(error.message)\n"
  _ = write(STDERR_FILENO, text, text.utf8.count)
  exit(error.code.exitStatus.rawValue)
}
