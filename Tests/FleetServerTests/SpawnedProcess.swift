import Foundation
import Testing

/// A program on its way, with its input and outputs in files.
///
/// Not Foundation's `Process`: that one learns of an end by a descriptor which a grandchild may hold open.
final class SpawnedProcess {
  struct Result {
    /// 128 and the signal's number when a signal ended it.
    var status: Int32
    var output: String
    var errors: String
  }

  let pid: pid_t
  private let files: String
  private var status: Int32?

  init(_ program: String, _ arguments: [String], environment: [String: String], input: String) throws {
    files = "/tmp/fleet-server-process-\(UUID().uuidString)"
    try input.write(toFile: files + ".in", atomically: false, encoding: .utf8)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, files + ".in", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, files + ".out", O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, files + ".err", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var pid: pid_t = 0
    // A thread that carries tests has nearly every signal blocked, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let failure = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
    self.pid = pid
    try #require(failure == 0, "\(program) cannot be started")
  }

  private func text(_ suffix: String) -> String { (try? String(contentsOfFile: files + suffix, encoding: .utf8)) ?? "" }

  var errors: String { text(".err") }

  var isRunning: Bool {
    if status == nil { collect(WNOHANG) }
    return status == nil
  }

  func result() -> Result {
    if status == nil { collect(0) }
    return Result(status: status ?? -1, output: text(".out"), errors: errors)
  }

  /// Sends a signal unless the process has been collected already.
  func signal(_ signal: Int32) { if isRunning { kill(pid, signal) } }

  private func collect(_ options: Int32) {
    var raw: Int32 = 0
    var collected = waitpid(pid, &raw, options)
    while collected < 0, errno == EINTR { collected = waitpid(pid, &raw, options) }
    if collected == pid { status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F) }
  }

  deinit {
    if isRunning {
      kill(pid, SIGKILL)
      collect(0)
    }
    for suffix in [".in", ".out", ".err"] { try? FileManager.default.removeItem(atPath: files + suffix) }
  }
}
