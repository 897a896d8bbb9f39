import CommandGrammar
import FleetProtocol
import Glibc

/// What a program prints about itself when it is asked.
struct ProgramHelp {
  let path: String

  /// Throws `io-failed` for a program that prints none.
  func grammar() throws(Refusal) -> CommandGrammar {
    do { return try CommandGrammar(parsingDump: try output(["--experimental-dump-help"])) } catch {
      throw Refusal(.ioFailed, "the help of \(DisplayText.escaped(path)) is not understood: \(error)")
    }
  }

  /// What stands behind `USAGE:` in the help of a command. Throws `io-failed`.
  func usage(of command: [String]) throws(Refusal) -> String {
    let lines = try output(command + ["--help"]).split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("USAGE:") }) else {
      throw Refusal(.ioFailed, "the help of \(command.joined(separator: " ")) has no usage")
    }
    let rest = lines[(start + 1)...].prefix { !$0.isEmpty }
    return ([lines[start].dropFirst("USAGE:".count)] + rest)
      .map { line in String(line.drop { $0 == " " }) }.enumerated()
      .map { $0.offset == 0 || $0.element.hasPrefix("fleet") ? $0.element : "    " + $0.element }
      .joined(separator: "\n")
  }

  private func output(_ arguments: [String]) throws(Refusal) -> String {
    let words = ([path] + arguments).map { "'" + $0.replacing("'", with: "'\\''") + "'" }
    guard let stream = popen(words.joined(separator: " "), "re") else {
      throw Refusal(.ioFailed, "cannot start \(DisplayText.escaped(path))")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = fread(&buffer, 1, buffer.count, stream)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    guard pclose(stream) == 0 else {
      throw Refusal(.ioFailed, "\(DisplayText.escaped(path)) \(arguments.joined(separator: " ")) failed")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
