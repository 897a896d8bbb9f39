import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program in a process group of its own, out of Ctrl-C's reach, which is looked after without waiting for it.
final class WatchedProcess {
  enum End: Hashable {
    case exited(Int32)
    case signal(Int32)
  }

  private let pid: pid_t
  private(set) var end: End?

  /// Throws `tool-missing` or `io-failed`.
  init(_ arguments: [String], _ descriptors: [Int32: Descriptor]) throws(Refusal) {
    pid = try Subprocess.spawn(arguments, descriptors, isDetached: true)
  }

  /// `nil` while it runs, and for one that a signal has ended.
  var exitStatus: Int32? { if case .exited(let status)? = end { status } else { nil } }

  /// Looks whether it has ended.
  func look() -> Bool {
    guard end == nil else { return true }
    var status: Int32 = 0
    let answer = waitpid(pid, &status, WNOHANG)
    if answer == pid {
      end = status & 0x7F == 0 ? .exited((status >> 8) & 0xFF) : .signal(status & 0x7F)
    } else if answer < 0, errno != EINTR {
      end = .exited(255)
    }
    return end != nil
  }

  /// Sends a signal to it and to what it has started, while it has not ended.
  func signal(_ number: Int32) {
    if end == nil { kill(-pid, number) }
  }
}
