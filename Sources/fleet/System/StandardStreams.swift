import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Results go to standard output, everything else to standard error.
enum StandardStreams {
  /// Throws `io-failed`, so that a full disk behind `>` is not taken for success.
  static func print(_ text: String) throws(Refusal) {
    // A reader that has heard enough, as in `fleet list | head -1`, ends this program without a word, like any other.
    signal(SIGPIPE, SIG_DFL)
    defer { signal(SIGPIPE, SIG_IGN) }
    try write(text, to: STDOUT_FILENO)
  }

  /// What a person should know; lost without complaint when nobody listens.
  static func note(_ text: String, terminator: String = "\n") { try? write(text + terminator, to: STDERR_FILENO) }

  /// The one form in which all three programs show why something was not done.
  static func show(_ refusal: Refusal) {
    note("fleet: \(refusal.message)")
    if let hint = refusal.hint { note("  \(hint)") }
  }

  private static func write(_ text: String, to descriptor: Int32) throws(Refusal) {
    let stream = Descriptor(dup(descriptor))
    try stream.write(text.utf8)
  }
}
