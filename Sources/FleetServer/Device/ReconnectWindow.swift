/// Within which time a fleet of this size should come back after HostA was away.
enum ReconnectWindow {
  /// What one login costs sshd, in seconds of one core (measured).
  static let login_s = 0.041

  /// 1.2 times what all logins take on these cores, from 5 s to 15 min.
  static func seconds(devices: Int, cores: Int) -> Int {
    let needed = 1.2 * Double(max(0, devices)) * login_s / Double(max(1, cores))
    return min(900, max(5, Int(needed.rounded(.up))))
  }
}
