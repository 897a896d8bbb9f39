/// When a connection from which nothing comes any more is ended.
///
/// Long after a list calls it stale: only what the device itself has certainly given up, or what it will take over
/// anyway, so that a slow link never loses a tunnel by this.
struct SilenceRule: Hashable {
  enum Step: Hashable { case terminate, kill }

  /// Connections that were asked to end, and whose sshd did not do so yet.
  private var asked: Set<ProcessIdentity> = []

  /// Twice the silence after which a tunnel is stale, and at least two minutes.
  static func limit_s(keepalive_s: Int) -> Int { max(120, 6 * keepalive_s) }

  static func isOver(_ health: ConnectionHealth, keepalive_s: Int) -> Bool {
    health.silence_ms >= Int64(limit_s(keepalive_s: keepalive_s)) * 1000
  }

  /// What to do to the connections of one sample that have been silent for too long: each is asked once, and made to
  /// end if it is still there at the next sample.
  mutating func steps(for silent: Set<ProcessIdentity>) -> [ProcessIdentity: Step] {
    let steps = Dictionary(uniqueKeysWithValues: silent.map { ($0, asked.contains($0) ? Step.kill : .terminate) })
    asked = silent
    return steps
  }
}
