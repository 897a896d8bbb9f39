import Foundation
import TestProcesses

/// A program on its way, with its input and outputs in files. It ends with this value.
final class SpawnedProcess {
  struct Result {
    /// 128 and the signal's number when a signal ended it.
    var status: Int32
    var output: String
    var errors: String
  }

  private let child: ChildProcess
  private let files: String

  init(_ program: String, _ arguments: [String], environment: [String: String], input: String) throws {
    files = "/tmp/fleet-server-process-\(UUID().uuidString)"
    try input.write(toFile: files + ".in", atomically: false, encoding: .utf8)
    child = try ChildProcess(
      program, arguments, input: files + ".in", output: .file(files + ".out"), errors: .file(files + ".err"),
      environment: environment)
  }

  var pid: pid_t { child.pid }

  private func text(_ suffix: String) -> String { (try? String(contentsOfFile: files + suffix, encoding: .utf8)) ?? "" }

  var errors: String { text(".err") }

  var isRunning: Bool { child.isRunning }

  func result() -> Result {
    let status = child.wait()
    return Result(status: status, output: text(".out"), errors: errors)
  }

  /// Sends a signal unless the process has been collected already.
  func signal(_ signal: Int32) { child.signal(signal) }

  deinit {
    child.signal(SIGKILL)
    child.wait()
    for suffix in [".in", ".out", ".err"] { try? FileManager.default.removeItem(atPath: files + suffix) }
  }
}
