import Foundation
import TestProcesses

/// The three built programs, installed as `make install` does it where every account of a lab can read them.
enum Programs {
  /// Where they were built.
  static let built: URL =
    ProcessInfo.processInfo.environment["FLEET_PROGRAMS"].map { URL(filePath: $0) }
    ?? URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()

  /// From `FLEET_PROGRAMS` where it is set (the release programs of `make test`), else from beside the test runner.
  static let folder: URL = {
    let copy = Scratch.folder.appending(path: "bin")
    let provisioning = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../provisioning")
    let share = Scratch.folder.appending(path: "share/fleet")
    // By another process: between fork and exec, what another test starts would share a descriptor of ours that is open
    // for writing, and for that moment the program could not be run.
    let script =
      "set -e; mkdir -p \"$2\" \"$4\"; cd \"$1\"; cp fleet fleet-agent fleet-server \"$3/laptop/fleet-inventory\" \"$2\"; cp -R \"$3/device\" \"$3/server\" \"$4\""
    let copying = try? ChildProcess("sh", ["-c", script, "sh", built.path, copy.path, provisioning.path, share.path])
    guard copying?.wait() == 0 else {
      fatalError("the programs are not built in \(built.path)")
    }
    return copy
  }()

  static func path(_ name: String) -> String { folder.appending(path: name).path }
}
