import Foundation

/// A program that the lab started. Its output goes to files, so that nothing waits for a pipe that a daemon inherited.
final class Running: @unchecked Sendable {
  let process: Process
  let outputFile: URL
  let errorFile: URL
  private let ended = DispatchSemaphore(value: 0)

  init(
    _ arguments: [String], as account: Account, in scratch: URL, input: Data? = nil,
    environment: [String: String] = [:]
  ) throws {
    let stem = scratch.appending(path: UUID().uuidString)
    outputFile = stem.appendingPathExtension("out")
    errorFile = stem.appendingPathExtension("err")
    let inputFile = stem.appendingPathExtension("in")
    for file in [outputFile, errorFile, inputFile] {
      try (file == inputFile ? input ?? Data() : Data()).write(to: file)
    }
    let line = account.commandLine(arguments)
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = line
    process.environment = account.environment(environment)
    process.currentDirectoryURL = account.home
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    let ended = ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
  }

  var pid: pid_t { process.processIdentifier }
  var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
  var error: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// Waits until it has ended. Returns its exit status, or `nil` when the time is over.
  func wait(_ limit_s: Double) -> Int32? {
    guard ended.wait(timeout: .now() + limit_s) == .success else { return nil }
    ended.signal()
    return process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
  }

  /// Asks it to end, and insists after `limit_s`. Returns the exit status if it obeyed.
  @discardableResult func stop(_ signal: Int32 = SIGTERM, within limit_s: Double = 10) -> Int32? {
    if process.isRunning { kill(pid, signal) }
    if let status = wait(limit_s) { return status }
    kill(pid, SIGKILL)
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
  let deadline = Date().addingTimeInterval(limit_s)
  while true {
    if try condition() { return }
    guard Date() < deadline else { throw NeverHappened(what: what) }
    usleep(50_000)
  }
}

struct NeverHappened: Error, CustomStringConvertible {
  let what: String
  var description: String { "never happened: \(what)" }
}
