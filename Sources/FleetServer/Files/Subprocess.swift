import CLinux
import FleetProtocol
import Glibc

/// Starts other programs.
enum Subprocess {
  struct Result {
    /// The exit status, or 128 and the signal's number.
    var status: Int32
    var output: String
    var errors: String

    /// The last line that it said of an error, as it may be shown. sshd ends its lines with a carriage return, too.
    func lastError(limit: Int) -> String {
      DisplayText.escaped(errors.split(whereSeparator: \.isNewline).last ?? "it says nothing", limit: limit)
    }
  }

  /// Runs a program that says little, to its end. Throws `tool-missing` when it is not there.
  static func run(_ program: String, _ arguments: [String]) throws(Refusal) -> Result {
    var output: [Int32] = [-1, -1]
    var errors: [Int32] = [-1, -1]
    guard clinux_pipe(&output) == 0, clinux_pipe(&errors) == 0 else { throw .systemCall("no pipe can be made") }
    let started: pid_t?
    do throws(Refusal) {
      started = try start(program, arguments, output: output[1], errors: errors[1])
    } catch {
      for descriptor in output + errors { close(descriptor) }
      throw error
    }
    close(output[1])
    close(errors[1])
    let texts = [output[0], errors[0]].map { text(from: $0) }
    var status: Int32 = 0
    while waitpid(started ?? 0, &status, 0) < 0, errno == EINTR {}
    return Result(status: exitStatus(status), output: texts[0], errors: texts[1])
  }

  /// Starts a program in a process group of its own, so that a Ctrl-C meant for us does not reach it; with an
  /// ordinary signal mask and nothing of our environment. Throws `tool-missing`.
  static func start(_ program: String, _ arguments: [String], output: Int32, errors: Int32) throws(Refusal) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    let environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"]
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var pid: pid_t = 0
    let failure = posix_spawnp(&pid, program, &actions, &attributes, &argv, &envp)
    guard failure == 0 else {
      throw Refusal(
        .toolMissing, "\(program) cannot be started: \(String(cString: strerror(failure)).lowercased())",
        hint: "install it: apt-get install openssh-server openssh-client")
    }
    return pid
  }

  /// What a status of waitpid(2) says, as a shell would.
  static func exitStatus(_ status: Int32) -> Int32 { status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F) }

  private static func text(from descriptor: Int32) -> String {
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 { content += chunk[..<count] } else if count == 0 || errno != EINTR { break }
    }
    return String(decoding: content, as: UTF8.self)
  }
}
