import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Ctrl-C and its like, caught while this lives, as something to wait for beside other descriptors.
///
/// What nohup or a shell's background has made this process ignore stays ignored.
final class Interruption {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]
  /// Readable once a signal came.
  let bell: Descriptor
  private let rope: Descriptor
  private var taken: [Int32] = []

  /// Throws `io-failed`.
  init() throws(Refusal) {
    (bell, rope) = try Subprocess.makePipe()
    rope.setNonBlocking()
    caught = 0
    ringing = rope.number
    for number in Self.signals where !Self.isIgnored(number) {
      taken.append(number)
      signal(number) {
        caught = sig_atomic_t($0)
        _ = write(ringing, "!", 1)
      }
    }
  }

  deinit { for number in taken { signal(number, SIG_DFL) } }

  private static func isIgnored(_ number: Int32) -> Bool {
    let before = signal(number, SIG_IGN)
    let isIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    if !isIgnored { signal(number, before) }
    return isIgnored
  }

  /// The signal that came.
  var signalNumber: Int32? { caught == 0 ? nil : Int32(caught) }

  /// Waits so long, or until a signal comes, and returns whether one came.
  func wait(_ duration: Duration) -> Bool {
    var polled = pollfd(fd: bell.number, events: Int16(POLLIN), revents: 0)
    poll(&polled, 1, Int32(duration.components.seconds * 1000))
    return signalNumber != nil
  }

  /// Ends this process by the signal that came, so that whoever started it sees what ended it.
  func end() -> Never {
    let number = signalNumber ?? SIGTERM
    signal(number, SIG_DFL)
    kill(getpid(), number)
    exit(128 + number)
  }
}

/// A signal handler can reach nothing but globals.
private nonisolated(unsafe) var caught: sig_atomic_t = 0
private nonisolated(unsafe) var ringing: Int32 = -1
