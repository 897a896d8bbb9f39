import FleetProtocol
import FleetSSH
import Glibc

/// Writes results to standard output.
func show(_ text: String) { _ = write(STDOUT_FILENO, text, text.utf8.count) }

func perform(_ invocation: Invocation) throws(Refusal) -> ExitStatus {
  switch invocation {
  case .help: show(Invocation.manual)
  case .version: show("fleet-agent \(FleetVersion.current)\n")
  case .run(let path): try AgentLoop(ConfigurationFile(path: path)).run()
  case .status(let path, let asJSON):
    let file = try ConfigurationFile(path: path)
    let report = try StatusSocket.ask(file.configuration.device, owner: file.owner)
    show(asJSON ? report.line + "\n" : report.text(now: .now))
    return report.isUp ? .done : .deviceOffline
  case .keygen(let path): show(try KeyFile.publicLine(makingAt: path) + "\n")
  case .hostKeys(let port): show(try HostKeyLines.read(port: port).map { "\($0)\n" }.joined())
  }
  return .done
}

do throws(Refusal) {
  exit(try perform(try Invocation(parsing: Array(CommandLine.arguments.dropFirst()))).rawValue)
} catch {
  var text = "fleet-agent: \(error.message)\n"
  if let hint = error.hint { text += "  \(hint)\n" }
  _ = write(STDERR_FILENO, text, text.utf8.count)
  exit(error.code.exitStatus.rawValue)
}
