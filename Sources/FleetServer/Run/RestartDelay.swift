/// How long to wait before sshd is started again.
struct RestartDelay: Hashable {
  private var failures = 0

  /// Half a second after the first end, doubling to half a minute; an sshd that lived for a minute starts anew.
  mutating func next(afterLiving lived: Duration) -> Duration {
    failures = lived >= .seconds(60) ? 1 : failures + 1
    return min(.seconds(30), .milliseconds(500) * (1 << min(failures - 1, 6)))
  }
}
