/// How fast a device is answered that asks more often than devices do.
///
/// sshd runs a process for each request, up to a hundred at a time on one connection, and nothing in a key line limits how
/// often. So what no agent does is answered one after the other.
enum RequestPace {
  /// How long after its claim or report a connection's next one is no flood.
  static let interval_ms: Int64 = 1000
  /// How long an answer takes that has to wait its turn.
  static let turn_ms: Int64 = 200
  /// How long it waits for those before it.
  static let patience: Duration = .seconds(5)

  /// Whether something follows what was done `age_ms` ago too fast. A clock that was set back says nothing.
  static func isTooSoon(age_ms: Int64?) -> Bool {
    age_ms.map { (0..<interval_ms).contains($0) } ?? false
  }
}
