import CLinux
import FleetProtocol
import Glibc

/// An exclusive flock(2) on a file of its own, held until it is released or the process ends.
struct FileLock {
  private let descriptor: Int32
  private let path: String

  /// Waits at most `wait`; `nil` when another process still holds it then. Where the file cannot be made, the folder
  /// `substitute` is locked in its place. Throws `io-failed`.
  init?(path: String, wait: Duration, substitute: String? = nil) throws(Refusal) {
    let deadline = ContinuousClock.now + wait
    while true {
      let descriptor = Self.open(path, substitute: substitute)
      guard descriptor >= 0 else { throw .systemCall("\(path) cannot be opened") }
      while clinux_try_lock(descriptor) != 0 {
        guard errno == EWOULDBLOCK || errno == EINTR, ContinuousClock.now < deadline else {
          close(descriptor)
          return nil
        }
        usleep(10_000)
      }
      // Whoever held it before may have removed the file: then others lock the next one.
      if Self.isAt(path, descriptor) || substitute.map({ Self.isAt($0, descriptor) }) == true {
        self.descriptor = descriptor
        self.path = path
        return
      }
      close(descriptor)
    }
  }

  func release() { close(descriptor) }

  /// Releases the lock and removes its file.
  func releaseAndRemove() {
    if Self.isAt(path, descriptor) { unlink(path) }
    release()
  }

  /// A lock asks for no right to write, so that a file on a read-only disk does, too.
  private static func open(_ path: String, substitute: String?) -> Int32 {
    for flags in [O_RDWR | O_CREAT, O_RDONLY] {
      let descriptor = Glibc.open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
      if descriptor >= 0 { return descriptor }
    }
    return substitute.map { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } ?? -1
  }

  private static func isAt(_ path: String, _ descriptor: Int32) -> Bool {
    var (held, there) = (stat(), stat())
    return fstat(descriptor, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino
      && held.st_dev == there.st_dev
  }
}
