import Glibc

/// Written by the signal handler.
private let wakePipe = WakePipe()

/// SIGTERM and SIGINT as something that poll sees.
enum Termination {
  /// Readable once one of the signals has come.
  static func descriptor() -> CInt {
    let descriptor = wakePipe.readEnd
    for number in [SIGTERM, SIGINT] {
      signal(number) { _ in _ = write(wakePipe.writeEnd, "x", 1) }
    }
    signal(SIGPIPE, SIG_IGN)
    return descriptor
  }
}
