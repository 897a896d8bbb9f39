import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Signals as bytes in a pipe, so that one `poll` waits for them and for everything else. There is one at a time.
final class SignalPipe {
  /// Readable when a signal has come.
  let arrivals: Descriptor
  private let source: Descriptor
  private let signals: [Int32]

  /// A signal that is ignored already, as `nohup` does it, stays so. Throws `io-failed`.
  init(_ signals: [Int32]) throws(Refusal) {
    (arrivals, source) = try Subprocess.makePipe()
    arrivals.setNonBlocking()
    source.setNonBlocking()
    writingEnd = source.number
    var taken: [Int32] = []
    for number in signals {
      let before = signal(number) { number in
        let error = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(writingEnd, &byte, 1)
        errno = error
      }
      if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(number, SIG_IGN)
      } else {
        taken.append(number)
      }
    }
    self.signals = taken
  }

  deinit {
    for number in signals { signal(number, SIG_DFL) }
    writingEnd = -1
  }

  /// The signals that have come since it was last asked.
  func take() -> [Int32] {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(arrivals.number, &buffer, buffer.count)
    return count > 0 ? buffer[..<count].map { Int32($0) } : []
  }
}

/// Where the handler writes, which can reach nothing but a global.
private nonisolated(unsafe) var writingEnd: Int32 = -1
