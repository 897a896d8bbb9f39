/// sshd's MaxStartups: how many connections may be logging in at a time.
struct MaxStartups: Hashable, CustomStringConvertible {
  /// How long an agent waits for a whole dial, until it gives up and begins anew.
  static let dialLimit_s: Double = 60

  /// From so many on, some are refused by chance.
  var start: Int
  /// How many of a hundred are refused then, growing to all.
  var rate: Int
  /// From so many on, all are refused.
  var full: Int

  init(start: Int, rate: Int, full: Int) {
    self.start = start
    self.rate = rate
    self.full = full
  }

  /// Parses `200:30:400`, as `sshd -T` says it.
  init?(parsing text: some StringProtocol) {
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 3, let start = numbers[0], let rate = numbers[1], let full = numbers[2] else { return nil }
    self.init(start: start, rate: rate, full: full)
  }

  /// The most logins at a time that all end within a quarter of what an agent waits. With more, tries run out of time
  /// half way and come again, and a fleet that returns at once never does.
  static func most(cores: Int) -> Int { Int(dialLimit_s / 4 * Double(max(1, cores)) / ReconnectWindow.login_s) }

  /// What a HostA with so many cores should have.
  static func suited(cores: Int) -> MaxStartups {
    let full = min(400, most(cores: cores))
    return MaxStartups(start: full / 2, rate: 30, full: full)
  }

  /// What so many logins at a time take, in seconds.
  static func duration_s(logins: Int, cores: Int) -> Double {
    Double(logins) * ReconnectWindow.login_s / Double(max(1, cores))
  }

  var description: String { "\(start):\(rate):\(full)" }
}
