import FleetProtocol

/// What `sshd -T` says: what sshd would do with one account's connection.
struct SSHDPolicy: Hashable {
  private let values: [String: [String]]

  init(parsing output: String) {
    var values: [String: [String]] = [:]
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard let keyword = words.first else { continue }
      values[keyword, default: []] += words.dropFirst()
    }
    self.values = values
  }

  /// All words of a setting, of which some stand on several lines; `nil` where this sshd does not know it.
  func words(_ keyword: String) -> [String]? { values[keyword] }

  /// The setting as one text.
  func value(_ keyword: String) -> String? { values[keyword]?.joined(separator: " ") }

  func number(_ keyword: String) -> Int? { value(keyword).flatMap { Int($0) } }
}

/// `9.2`, of `OpenSSH_9.2p1`.
struct OpenSSHVersion: Hashable, Comparable, CustomStringConvertible {
  let major: Int
  let minor: Int

  init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// From what `sshd -V` says, be it an answer or, of an old one, its usage.
  init?(in text: String) {
    guard let start = text.firstRange(of: "OpenSSH_")?.upperBound else { return nil }
    let numbers = text[start...].prefix { $0.isASCII && $0.isNumber || $0 == "." }.split(separator: ".").map { Int($0) }
    guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
    self.init(major, minor)
  }

  static func < (left: OpenSSHVersion, right: OpenSSHVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  var description: String { "\(major).\(minor)" }
}

/// Where a line of sshd's configuration belongs on this HostA.
struct SSHDConfigurationPlace: Hashable {
  var mode: HostSettings.SSHDMode
  /// The private sshd's file.
  var file: String
  var account: LoginName

  /// A line about the account's connections.
  func mend(_ line: String) -> HostFinding.Mend {
    switch mode {
    case .private: ownFile(line)
    case .system: .init(line: line, place: "\(Self.dropIn), below 'Match User \(account)'; then reload sshd")
    }
  }

  /// A line about all connections.
  func globalMend(_ line: String) -> HostFinding.Mend {
    switch mode {
    case .private: ownFile(line)
    case .system: .init(line: line, place: "\(Self.dropIn), above the line 'Match'; then reload sshd")
    }
  }

  private func ownFile(_ line: String) -> HostFinding.Mend {
    .init(line: line, place: "\(file), where 'fleet-server run' writes it by itself at its next start")
  }

  private static let dropIn = "/etc/ssh/sshd_config.d/fleet-server.conf"
}
