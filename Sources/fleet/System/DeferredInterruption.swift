#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Ctrl-C and its like, kept waiting so that what was begun is finished: also by the programs that are started meanwhile.
final class DeferredInterruption {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]
  private var before = sigset_t()

  init() {
    var wanted = sigset_t()
    sigemptyset(&wanted)
    for signal in Self.signals { sigaddset(&wanted, signal) }
    pthread_sigmask(SIG_BLOCK, &wanted, &before)
  }

  /// What waited takes effect now.
  deinit { pthread_sigmask(SIG_SETMASK, &before, nil) }

  /// Whether somebody wants this to end.
  var isWaiting: Bool {
    var pending = sigset_t()
    sigpending(&pending)
    return Self.signals.contains { sigismember(&pending, $0) == 1 }
  }

  /// Forgets what waited, for a program that ends by itself and says why.
  func takeUp() {
    var pending = sigset_t()
    sigemptyset(&pending)
    for signal in Self.signals { sigaddset(&pending, signal) }
    var taken: Int32 = 0
    while isWaiting { sigwait(&pending, &taken) }
  }
}
