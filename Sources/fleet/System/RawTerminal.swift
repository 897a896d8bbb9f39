import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A terminal that does not echo and shows no cursor, until `restore`; and the signals that concern it, as events.
final class RawTerminal {
  enum Event: Hashable {
    case timeIsOver
    case key(UInt8)
    case resized
    /// Ctrl-Z: to be restored, stopped and set again.
    case suspended
    /// A signal that ends programs.
    case ended(by: Int32)
  }

  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGWINCH]
  private let pipe: (read: Descriptor, write: Descriptor)
  private var before: termios?
  /// Ctrl-Z, mostly. It is read as a key: a program that is asked meanwhile would otherwise stop, and this one wait for it.
  private var suspendKey: cc_t?

  /// Throws `io-failed`.
  init() throws(Refusal) {
    pipe = try Subprocess.makePipe()
    pipe.write.setNonBlocking()
    signalPipe = pipe.write.number
    for number in Self.signals {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(signalPipe, &byte, 1)
      }
    }
    set()
  }

  /// No echo, no cursor, and no line that goes on in the next one.
  func set() {
    var settings = termios()
    if tcgetattr(STDIN_FILENO, &settings) == 0 {
      before = settings
      settings.c_lflag &= ~tcflag_t(ECHO | ICANON)
      suspendKey = withUnsafeMutableBytes(of: &settings.c_cc) { keys in
        defer { keys[Int(VSUSP)] = Platform.noKey }
        return keys[Int(VSUSP)]
      }
      tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
    }
    try? StandardStreams.print("\u{1B}[?25l\u{1B}[?7l")
  }

  /// Everything as it was, the cursor on a line of its own.
  func restore() {
    try? StandardStreams.print("\u{1B}[?7h\u{1B}[?25h\n")
    if var before { tcsetattr(STDIN_FILENO, TCSADRAIN, &before) }
    before = nil
  }

  /// Restores the terminal, lets the shell have it, and comes back when the shell says so.
  func suspend() {
    restore()
    raise(SIGSTOP)
    set()
  }

  /// Restores the terminal and ends as if the signal had not been caught.
  func end(by number: Int32) -> Never {
    restore()
    signal(number, SIG_DFL)
    raise(number)
    exit(128 + number)
  }

  /// The signal that has come meanwhile and ends programs, if one did.
  var endingSignal: Int32? {
    while true {
      switch wait(0) {
      case .ended(let number): return number
      case .timeIsOver: return nil
      default: continue
      }
    }
  }

  /// What happens next, within `seconds`.
  func wait(_ seconds: Double) -> Event {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(seconds)
    var listensToKeys = true
    while true {
      let left_ms = Int32(max(0, (deadline - clock.now) / .milliseconds(1)).rounded(.up))
      var polled = [
        pollfd(fd: pipe.read.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: listensToKeys ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&polled, nfds_t(polled.count), left_ms)
      if count == 0 { return .timeIsOver }
      guard count > 0 else { continue }
      var byte: UInt8 = 0
      if polled[0].revents != 0, read(pipe.read.number, &byte, 1) == 1 {
        switch Int32(byte) {
        case SIGWINCH: return .resized
        case let number: return .ended(by: number)
        }
      }
      if polled[1].revents != 0 {
        if read(STDIN_FILENO, &byte, 1) == 1 { return byte == suspendKey ? .suspended : .key(byte) }
        listensToKeys = false
      }
    }
  }
}

/// Where the signal handler, which can reach nothing but a global, writes which signal came.
private nonisolated(unsafe) var signalPipe: Int32 = -1
