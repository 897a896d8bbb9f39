import Foundation
import TestProcesses

/// A program that the lab started. Its output goes to files, so that nothing waits for a pipe that a daemon inherited.
final class Running {
  let arguments: [String]
  private let child: ChildProcess
  private let outputFile: URL
  private let errorFile: URL

  init(
    _ arguments: [String], as account: Account, in scratch: URL, input: Data? = nil,
    environment: [String: String] = [:]
  ) throws {
    self.arguments = arguments
    let stem = scratch.appending(path: UUID().uuidString)
    outputFile = stem.appendingPathExtension("out")
    errorFile = stem.appendingPathExtension("err")
    let inputFile = stem.appendingPathExtension("in")
    try (input ?? Data()).write(to: inputFile)
    child = try ChildProcess(
      "env", ["-C", account.home.path] + account.commandLine(arguments), input: inputFile.path,
      output: .file(outputFile.path), errors: .file(errorFile.path), environment: account.environment(environment),
      inOwnGroup: true)
    Scratch.started(child.pid)
  }

  var pid: pid_t { child.pid }
  var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
  var error: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// Waits until it has ended. Returns its exit status (128 and the number for a signal), or `nil` when the time is over.
  func wait(_ limit_s: Double) -> Int32? {
    let deadline = Date().addingTimeInterval(limit_s)
    while true {
      if let status = child.statusIfEnded {
        Scratch.ended(pid)
        return status
      }
      if Date() >= deadline { return nil }
      usleep(5000)
    }
  }

  /// Asks it to end, and insists after `limit_s`. Returns the exit status if it obeyed.
  @discardableResult func stop(_ signal: Int32 = SIGTERM, within limit_s: Double = 10) -> Int32? {
    child.signal(signal)
    if let status = wait(limit_s) { return status }
    child.signal(SIGKILL)
    _ = wait(5)
    return nil
  }
}

/// What a program that has ended said.
struct Outcome: CustomStringConvertible {
  let status: Int32?
  let output: String
  let error: String

  var description: String { "status \(status.map(String.init) ?? "none: timed out")\n\(output)\n\(error)" }
}

/// Waits until `condition` holds, looking often, and throws with `what` when it does not within `limit_s`.
func eventually(_ what: String, within limit_s: Double = 30, _ condition: () throws -> Bool) throws {
  var patience = Patience(.seconds(limit_s), pause: .milliseconds(50))
  while !(try condition()) {
    guard patience.wait() else { throw NeverHappened(what: what) }
  }
}

struct NeverHappened: Error, CustomStringConvertible {
  let what: String
  var description: String { "never happened: \(what)" }
}
