import Foundation
import TestProcesses

/// The checkout that these tests stand in.
enum Checkout {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
}

/// Programs that are not ours.
enum Tool {
  /// Runs a program as the person who runs the tests.
  static func run(_ arguments: [String], input: String = "/dev/null") throws -> Outcome {
    let stem = Scratch.folder.appending(path: UUID().uuidString).path
    defer { for end in [".out", ".err"] { unlink(stem + end) } }
    let child = try ChildProcess(
      arguments[0], Array(arguments.dropFirst()), input: input, output: .file(stem + ".out"),
      errors: .file(stem + ".err"))
    let status = child.wait()
    func text(_ end: String) -> String { (try? String(contentsOfFile: stem + end, encoding: .utf8)) ?? "" }
    return Outcome(status: status, output: text(".out"), error: text(".err"))
  }

  static func path(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// From where `make test-bootstrap` puts it, or installed.
  static let promtool: String? =
    [Checkout.folder.appending(path: ".build/tools/promtool").path].first {
      FileManager.default.isExecutableFile(atPath: $0)
    } ?? path("promtool")
}
