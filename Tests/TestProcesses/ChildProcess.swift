internal import Glibc

/// A program that a test started: every test that starts one does so here.
///
/// Spawned and awaited with the system's own calls: Foundation's Process takes a child for alive as long as any of the
/// child's descendants lives.
public final class ChildProcess {
  public struct NotStarted: Error, CustomStringConvertible {
    public let description: String
  }

  /// Where an output goes.
  public enum Output: Sendable {
    case ours
    /// Appended to this file, which is made where it is not there.
    case file(String)
  }

  public let pid: Int32
  private var status: Int32?

  /// Starts a program, looked for in our `PATH` where its name has no slash. Its standard input is the file `input`,
  /// and its environment is ours unless one is given. In a process group of its own, Ctrl-C at the tests spares it.
  public init(
    _ program: String, _ arguments: [String], input: String = "/dev/null", output: Output = .ours,
    errors: Output = .ours, environment: [String: String]? = nil, inOwnGroup: Bool = false
  ) throws(NotStarted) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    for (descriptor, target) in [(STDOUT_FILENO, output), (STDERR_FILENO, errors)] {
      guard case .file(let path) = target else { continue }
      posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    }
    // What other tests have open at this moment is not for it: a file open for writing, or the end of a pipe.
    // Those that are not open are no error, up to the limit.
    for descriptor in (STDERR_FILENO + 1)..<Int32(min(1024, sysconf(Int32(_SC_OPEN_MAX)))) {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setpgroup(&attributes, 0)
    // A thread that carries tests has nearly every signal blocked, and a child would inherit that: no SIGTERM for it.
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    let flags = POSIX_SPAWN_SETSIGMASK | (inOwnGroup ? POSIX_SPAWN_SETPGROUP : 0)
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var pid = pid_t()
    let error = Self.withCStrings([program] + arguments) { line in
      guard let environment else { return posix_spawnp(&pid, program, &actions, &attributes, line, environ) }
      return Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }) {
        posix_spawnp(&pid, program, &actions, &attributes, line, $0)
      }
    }
    guard error == 0 else {
      throw NotStarted(description: "\(program) cannot be started: \(String(cString: strerror(error)))")
    }
    self.pid = pid
  }

  /// Its exit status once it has ended, 128 and the number where a signal ended it.
  public var statusIfEnded: Int32? {
    if status == nil { collect(WNOHANG) }
    return status
  }

  public var isRunning: Bool { statusIfEnded == nil }

  /// Waits for its end, and returns its status as above.
  @discardableResult public func wait() -> Int32 {
    if status == nil { collect(0) }
    return status ?? -1
  }

  /// Sends a signal, unless it has ended.
  public func signal(_ signal: Int32) { if isRunning { kill(pid, signal) } }

  /// Sends SIGTERM, and waits.
  public func terminate() {
    signal(SIGTERM)
    wait()
  }

  private func collect(_ options: Int32) {
    var raw: Int32 = 0
    var collected = waitpid(pid, &raw, options)
    while collected < 0, errno == EINTR { collected = waitpid(pid, &raw, options) }
    if collected == pid { status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F) }
  }

  /// Runs `body` with what exec(3) takes: pointers to C strings, and a null pointer at the end.
  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
  }
}
