import FleetProtocol
import FleetSSH
import Glibc

/// Writes results to standard output.
func show(_ text: String) { _ = write(STDOUT_FILENO, text, text.utf8.count) }

func perform(_ invocation: Invocation) throws(Refusal) -> ExitStatus {
  switch invocation {
  case .help: show(Invocation.manual)
  case .version: show("fleet-agent \(FleetVersion.current)\n")
  case .run(let path): try run(path)
  case .status(let path, let asJSON): return try showStatus(path, asJSON: asJSON)
  case .keygen(let path): show(try KeyFile.publicLine(makingAt: path) + "\n")
  case .hostKeys(let port): show(try HostKeyLines.read(port: port).map { "\($0)\n" }.joined())
  }
  return .done
}

/// Runs until SIGTERM; a box that is no device yet becomes one first.
func run(_ path: String?) throws(Refusal) {
  if let files = try EnrollmentFiles(beside: path) {
    guard try EnrollmentLoop(files).run() else { return }
  }
  do { try EnrollmentFiles.removeLeftovers(beside: path) } catch {
    var log = AgentLog()
    log.write(.warning, "the enroll key stays on this box: \(error.message)")
  }
  try AgentLoop(ConfigurationFile(path: path)).run()
}

func showStatus(_ path: String?, asJSON: Bool) throws(Refusal) -> ExitStatus {
  if let files = try EnrollmentFiles(beside: path) {
    let report = try StatusSocket.ask(files.statusName, owner: files.keyOwner, parse: EnrollmentReport.init(parsing:))
    show(asJSON ? report.line + "\n" : report.text)
    return .deviceOffline
  }
  let file = try ConfigurationFile(path: path)
  let report = try StatusSocket.ask(
    file.configuration.device.rawValue, owner: file.keyOwner, parse: StatusReport.init(parsing:))
  show(asJSON ? report.line + "\n" : report.text(now: .now))
  return report.isUp ? .done : .deviceOffline
}

do throws(Refusal) {
  exit(try perform(try Invocation(parsing: Array(CommandLine.arguments.dropFirst()))).rawValue)
} catch {
  var text = "fleet-agent: \(error.message)\n"
  if let hint = error.hint { text += "  \(hint)\n" }
  _ = write(STDERR_FILENO, text, text.utf8.count)
  exit(error.code.exitStatus.rawValue)
}
