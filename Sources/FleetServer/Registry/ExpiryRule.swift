/// What becomes of a device that was provisioned to expire.
enum ExpiryRule {
  enum Step: Hashable {
    case wait
    /// It was seen: it stays for good.
    case keep
    case remove
  }

  /// `isSeen`: the registry or a session file tells of it. sshd refuses the key from the same second on, so that
  /// nothing is lost by keeping a device where rather the clock is wrong.
  static func step(expires_s: Int64, isSeen: Bool, now_s: Int64) -> Step {
    if isSeen { return .keep }
    return WallClockRule.isDue(expires_s, now_s: now_s) ? .remove : .wait
  }
}
