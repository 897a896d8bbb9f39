import Foundation

/// A program that the lab started. Its output goes to files, so that nothing waits for a pipe that a daemon inherited;
/// it is spawned and awaited with the system's own calls, because Foundation's Process takes a child for alive as long
/// as any of the child's descendants lives.
final class Running {
  let arguments: [String]
  let pid: pid_t
  let outputFile: URL
  let errorFile: URL
  private var status: Int32?

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
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, inputFile.path, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputFile.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errorFile.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setpgroup(&attributes, 0)
    // A thread that carries tests has nearly every signal blocked, and a child would inherit that: no SIGTERM for it.
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let line = ["env", "-C", account.home.path] + account.commandLine(arguments)
    let variables = account.environment(environment).map { "\($0.key)=\($0.value)" }
    var pid = pid_t()
    let error = Self.withCStrings(line) { line in
      Self.withCStrings(variables) { posix_spawnp(&pid, "env", &actions, &attributes, line, $0) }
    }
    guard error == 0 else { throw NeverHappened(what: "\(line[0]) starts: error \(error)") }
    self.pid = pid
    Scratch.started(pid)
  }

  var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
  var error: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// Waits until it has ended. Returns its exit status (128 and the number for a signal), or `nil` when the time is over.
  func wait(_ limit_s: Double) -> Int32? {
    let deadline = Date().addingTimeInterval(limit_s)
    while status == nil {
      var code: Int32 = 0
      if waitpid(pid, &code, WNOHANG) == pid {
        Scratch.ended(pid)
        status = code & 0x7F == 0 ? (code >> 8) & 0xFF : 128 + (code & 0x7F)
      } else if Date() >= deadline {
        return nil
      } else {
        usleep(5000)
      }
    }
    return status
  }

  /// Asks it to end, and insists after `limit_s`. Returns the exit status if it obeyed.
  @discardableResult func stop(_ signal: Int32 = SIGTERM, within limit_s: Double = 10) -> Int32? {
    if status == nil { kill(pid, signal) }
    if let status = wait(limit_s) { return status }
    kill(pid, SIGKILL)
    _ = wait(5)
    return nil
  }

  /// Runs `body` with what exec(3) takes: pointers to C strings, and a null pointer at the end.
  static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
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
