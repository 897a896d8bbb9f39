import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Other programs, run without a shell.
///
/// They stay in our process group, so that they may ask for a passphrase on the terminal and end with Ctrl-C.
enum Subprocess {
  /// What a program left behind.
  struct Outcome {
    /// Its exit status, or 128 and the signal's number.
    let status: Int32
    let output: [UInt8]
    let errorOutput: [UInt8]

    /// It wrote more than `longestOutput`, of which this is the beginning, and was ended for it.
    let isEndless: Bool

    var text: String { String(decoding: output, as: UTF8.self) }
    var errorText: String { String(decoding: errorOutput, as: UTF8.self) }
  }

  /// What is taken of a program's standard output, some 75,000 devices in a list; whoever writes more may never stop.
  static let longestOutput = 64 << 20

  /// What a program reads on its standard input.
  enum Input {
    case none
    case bytes([UInt8])
    case file(String)
  }

  /// Runs a program of PATH to its end; `hear` gets what it says on standard error while it says it.
  ///
  /// With `patience_ms`, it is ended when it has written nothing to its standard output by then. Throws `tool-missing` or
  /// `io-failed`.
  static func run(
    _ arguments: [String], input: Input = .none, patience_ms: Int32? = nil,
    hear: (ArraySlice<UInt8>) -> Void = { _ in }
  ) throws(Refusal) -> Outcome {
    let (outputEnd, output) = try makePipe()
    let (errorEnd, errorOutput) = try makePipe()
    var source = Descriptor(-1)
    var feed = Descriptor(-1)
    var pending: [UInt8] = []
    switch input {
    case .none: source = try Descriptor.open("/dev/null", O_RDONLY)
    case .file(let path): source = try Descriptor.open(path, O_RDONLY)
    case .bytes(let bytes):
      (source, feed) = try makePipe()
      pending = bytes
    }
    let process = try spawn(arguments, [0: source, 1: output, 2: errorOutput])
    source.close()
    output.close()
    errorOutput.close()
    let collected = exchange(
      pending, feed: feed, from: [outputEnd, errorEnd], hear: hear, patience_ms: patience_ms
    ) { kill(process, SIGTERM) }
    return Outcome(
      status: wait(for: process), output: collected[0], errorOutput: collected[1],
      isEndless: collected[0].count > longestOutput)
  }

  /// Starts a program of PATH with these descriptors (its number: ours) and no other. Throws `tool-missing`.
  ///
  /// In a process group of its own, Ctrl-C spares it. `isDetached`: it has no terminal, and neither Ctrl-C nor the end of
  /// ours reaches it.
  static func spawn(
    _ arguments: [String], _ descriptors: [Int32: Descriptor], inOwnGroup: Bool = false, isDetached: Bool = false
  ) throws(Refusal) -> pid_t {
    var actions = Platform.emptySpawnFileActions()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Copies above every target, so that no dup2 overwrites a source that is still needed.
    var copies: [Descriptor] = []
    for (target, source) in descriptors.sorted(by: { $0.key < $1.key }) {
      let copy = Descriptor(fcntl(source.number, F_DUPFD_CLOEXEC, 20))
      guard copy.isOpen else { throw .system("cannot start \(arguments[0])") }
      copies.append(copy)
      posix_spawn_file_actions_adddup2(&actions, copy.number, target)
    }
    var attributes = Platform.emptySpawnAttributes()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGDEF | (inOwnGroup ? POSIX_SPAWN_SETPGROUP : 0))
        | (isDetached ? Platform.spawnInNewSession : 0))
    var process = pid_t()
    let failure = withExtendedLifetime(copies) {
      withCArguments(arguments) { posix_spawnp(&process, $0[0]!, &actions, &attributes, $0, environ) }
    }
    guard failure == 0 else { throw cannotRun(arguments[0], failure) }
    return process
  }

  /// Becomes a program of PATH; returns only as a refusal.
  static func replaceSelf(_ arguments: [String]) -> Refusal {
    signal(SIGPIPE, SIG_DFL)
    withCArguments(arguments) { _ = execvp($0[0]!, $0) }
    return cannotRun(arguments[0], errno)
  }

  /// The exit status of a child, or 128 and the number of the signal that ended it.
  static func wait(for process: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return 255 } }
    return exitStatus(status)
  }

  /// The same without waiting; `nil` while it runs.
  static func statusIfEnded(_ process: pid_t) -> Int32? {
    var status: Int32 = 0
    let ended = waitpid(process, &status, WNOHANG)
    if ended < 0 { return errno == EINTR ? nil : 255 }
    return ended == 0 ? nil : exitStatus(status)
  }

  private static func exitStatus(_ status: Int32) -> Int32 {
    status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }

  /// Writes the input and reads both outputs at once, so that no full pipe can stop the other side for ever.
  ///
  /// `giveUp` is called once when the first of them was silent for too long, or does not end.
  private static func exchange(
    _ input: [UInt8], feed: Descriptor, from sources: [Descriptor], hear: (ArraySlice<UInt8>) -> Void,
    patience_ms: Int32?, giveUp: () -> Void
  ) -> [[UInt8]] {
    var results: [[UInt8]] = Array(repeating: [], count: sources.count)
    var pending = input[...]
    if pending.isEmpty { feed.close() } else { feed.setNonBlocking() }
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    let clock = ContinuousClock()
    var deadline = patience_ms.map { clock.now + .milliseconds($0) }
    while feed.isOpen || sources.contains(where: \.isOpen) {
      var polled = sources.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
      polled.append(pollfd(fd: feed.number, events: Int16(POLLOUT), revents: 0))
      let ready = poll(&polled, nfds_t(polled.count), deadline == nil ? -1 : 50)
      if let limit = deadline {
        if !results[0].isEmpty {
          deadline = nil
        } else if clock.now >= limit {
          deadline = nil
          giveUp()
        }
      }
      guard ready > 0 else { continue }
      for (index, source) in sources.enumerated() where polled[index].revents != 0 {
        let count = read(source.number, &buffer, buffer.count)
        if count > 0, index == 1 { hear(buffer[..<count]) }
        if count > 0 {
          let room = index == 1 ? Descriptor.longestText - results[1].count : count
          results[index] += buffer[..<min(count, max(0, room))]
        } else if count == 0 || errno != EINTR {
          source.close()
        }
        if index == 0, results[0].count > longestOutput {
          giveUp()
          for descriptor in sources { descriptor.close() }
        }
      }
      if polled[sources.count].revents != 0 {
        let count = pending.withUnsafeBytes { write(feed.number, $0.baseAddress, $0.count) }
        if count > 0 { pending = pending.dropFirst(count) }
        if pending.isEmpty || (count < 0 && errno != EINTR && errno != EAGAIN) { feed.close() }
      }
    }
    return results
  }

  static func makePipe() throws(Refusal) -> (read: Descriptor, write: Descriptor) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .system("cannot make a pipe") }
    let (read, write) = (Descriptor(ends[0]), Descriptor(ends[1]))
    read.setCloseOnExec()
    write.setCloseOnExec()
    return (read, write)
  }

  private static func cannotRun(_ program: String, _ error: Int32) -> Refusal {
    // EACCES is also what a folder of PATH that cannot be read comes to.
    if error == ENOENT || error == EACCES {
      return Refusal(
        .toolMissing, "the program '\(program)' is not installed",
        hint: "install it; ssh, ssh-keygen and ssh-keyscan are in the package openssh-client")
    }
    return .system("cannot run \(program)", error: error)
  }

  private static func withCArguments<Result>(
    _ arguments: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}
