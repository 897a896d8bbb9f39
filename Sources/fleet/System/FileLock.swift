#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A lock between processes of this account; whoever holds it gives it back at the latest when it ends.
struct FileLock {
  private let file: Descriptor

  /// `nil` when somebody else holds it all the time, or the file cannot be made.
  init?(path: String, within_ms limit_ms: Int) {
    guard let file = try? Descriptor.open(path, O_RDWR | O_CREAT) else { return nil }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(limit_ms)
    while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EINTR || errno == EWOULDBLOCK, clock.now < deadline else { return nil }
      usleep(10_000)
    }
    self.file = file
  }
}
