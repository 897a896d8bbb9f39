import Glibc

/// Written by the signal handler.
private let wakePipe = WakePipe()

/// SIGTERM and SIGINT as something that poll sees.
enum Termination {
  /// Readable once one of the signals has come.
  static func descriptor() -> CInt {
    let descriptor = wakePipe.readEnd
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT] {
      signal(number) { _ in _ = write(wakePipe.writeEnd, "x", 1) }
      sigaddset(&signals, number)
    }
    // Whoever started this program may have had them blocked, and it could then be ended by force only.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    return descriptor
  }
}
