internal import Glibc

/// A program that a test started. Foundation's Process can wait for ever when several start at once.
public final class ChildProcess {
  public let pid: Int32
  private var status: Int32?

  /// Starts the program with our standard error and without input. Throws the errno of posix_spawn(3).
  public init(_ path: String, _ arguments: [String]) throws(LoopbackSocket.Failure) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, 2, 1)
    var words = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, nil, words, environ)
    posix_spawn_file_actions_destroy(&actions)
    for word in words { free(word) }
    guard code == 0 else { throw LoopbackSocket.Failure(code: code) }
    self.pid = pid
  }

  public var isRunning: Bool {
    guard status == nil else { return false }
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return true }
    self.status = status
    return false
  }

  /// Waits for its end. Returns the status that waitpid(2) gave.
  @discardableResult public func wait() -> Int32 {
    if let status { return status }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    self.status = status
    return status
  }

  /// Sends SIGTERM, and waits.
  public func terminate() {
    guard isRunning else { return }
    kill(pid, SIGTERM)
    wait()
  }
}
