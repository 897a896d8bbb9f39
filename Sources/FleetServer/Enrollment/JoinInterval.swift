/// How long a box that waits for approval should wait before it asks again.
enum JoinInterval {
  /// A tenth of the time that it has waited, from 30 s to 5 min: somebody at the bench sees it soon, and a hundred
  /// that nobody approves cost HostA little.
  static func seconds(waited_s: Int64) -> Int { Int(min(300, max(30, waited_s / 10))) }
}
