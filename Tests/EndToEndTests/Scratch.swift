import Foundation

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
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C at the tests is not meant for the one who cleans up after them.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var pid = pid_t()
    _ = Running.withCStrings(["sh", "-c", script, "sh", path, String(getpid())]) {
      posix_spawnp(&pid, "sh", &actions, &attributes, $0, environ)
    }
    close(ends[0])
  }
}
