import CLinux
import FleetProtocol
import Glibc

/// An exclusive flock(2) on a file of its own, held until it is released or the process ends.
struct FileLock {
  private let descriptor: Int32

  /// Waits at most `wait`; `nil` when another process still holds it then. Throws `io-failed`.
  init?(path: String, wait: Duration) throws(Refusal) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .systemCall("\(path) cannot be opened") }
    let deadline = ContinuousClock.now + wait
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR, ContinuousClock.now < deadline else {
        close(descriptor)
        return nil
      }
      usleep(10_000)
    }
    self.descriptor = descriptor
  }

  func release() { close(descriptor) }
}
