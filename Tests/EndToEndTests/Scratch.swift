import Foundation
import TestProcesses

/// The one folder of this test run, and the guard that cleans up when the run is killed.
enum Scratch {
  static let folder: URL = {
    let path = "/tmp/fleet-e2e-\(getpid())"
    try! FileManager.default.createDirectory(
      atPath: path + "/running", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    startGuard(of: path)
    atexit { try? FileManager.default.removeItem(at: Scratch.folder) }
    return URL(filePath: path)
  }()

  /// Notes a program that the guard must end if this run cannot.
  static func started(_ pid: pid_t) { _ = FileManager.default.createFile(atPath: note(pid), contents: nil) }

  static func ended(_ pid: pid_t) { unlink(note(pid)) }

  private static func note(_ pid: pid_t) -> String { folder.appending(path: "running/\(pid)").path }

  /// A shell that reads from a pipe whose other end only this process holds: however the run ends, the pipe does too.
  private static func startGuard(of path: String) {
    let script = """
      trap '' HUP INT TERM
      cat >/dev/null
      programs=$(ls "$1/running" 2>/dev/null)
      for pid in $programs; do kill -TERM "$pid" 2>/dev/null; done
      [ -z "$programs" ] || sleep 3
      for pid in $programs; do kill -KILL "$pid" 2>/dev/null; done
      for name in $(ip netns list 2>/dev/null | grep -o "^fleet-$2-[^ ]*"); do ip netns del "$name"; done
      rm -rf "$1"
      """
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // A group of its own: Ctrl-C at the tests is not meant for the one who cleans up after them.
    _ = try! ChildProcess(
      "sh", ["-c", script, "sh", path, String(getpid())], input: "/proc/self/fd/\(ends[0])",
      output: .file("/dev/null"), errors: .file("/dev/null"), inOwnGroup: true)
    close(ends[0])
  }
}
