import CLinux
import FleetProtocol
import Glibc

/// Signals that are read from a descriptor instead of interrupting the program, until it ends.
struct SignalQueue {
  let descriptor: Int32

  /// From now on these signals only arrive here.
  init(_ signals: [Int32]) throws(Refusal) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
    guard descriptor >= 0 else { throw .systemCall("signals cannot be read") }
  }

  /// The signals that came since, waiting at most `wait` for the first one.
  func next(wait: Duration) -> [Int32] {
    var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let (seconds, attoseconds) = wait.components
    _ = poll(&event, 1, Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)))
    var signals: [Int32] = []
    var info = signalfd_siginfo()
    while read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
      signals.append(Int32(info.ssi_signo))
    }
    return signals
  }
}
