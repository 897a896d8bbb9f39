import FleetProtocol

/// Who logs in where when nobody says it: a file for ssh to include.
struct LoginBook: Hashable {
  /// By the name that ssh is given, `kitchen-pi.fleet`.
  private(set) var logins: [String: LoginName] = [:]

  /// How many names stand in one line.
  private static let namesPerLine = 100

  /// Lines that are not understood are passed over.
  init(parsing text: String) {
    var names: [Substring] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      switch words.first {
      case "Host"?: names = Array(words.dropFirst())
      case "User"?:
        guard words.count == 2, let login = try? LoginName(validating: words[1]) else { continue }
        for name in names { logins[String(name)] = login }
      default: continue
      }
    }
  }

  init() {}

  mutating func set(_ login: LoginName, for name: String) { logins[name] = login }

  /// Takes out the devices of a HostA that has this name no more; `unnamed` also those that are called without a HostA.
  mutating func forget(host: String, unnamed: Bool) {
    logins = logins.filter { entry in
      guard let name = try? FleetHostName(parsing: entry.key) else { return true }
      return name.host.map { $0 != host } ?? !unnamed
    }
  }

  /// ssh reads this file at every start, for whatever host: names of one account share lines.
  var text: String {
    var text = "# Written by fleet: the accounts of devices, for ssh.\n"
    for (login, group) in Dictionary(grouping: logins, by: \.value.rawValue).sorted(by: { $0.key < $1.key }) {
      let names = group.map(\.key).sorted()
      for start in stride(from: 0, to: names.count, by: Self.namesPerLine) {
        let part = names[start..<min(start + Self.namesPerLine, names.count)]
        text += "Host \(part.joined(separator: " "))\n  User \(login)\n"
      }
    }
    return text
  }

  /// What has to be done about a device's login, once HostA has said what it is and ssh has begun already.
  enum Finding: Hashable {
    case known
    /// ssh could not be told, and has taken the name of the person's own account or another.
    case unknown
    /// ssh was told the account that it was before.
    case changed(from: LoginName)
  }

  func finding(on name: String, login: LoginName) -> Finding {
    guard let known = logins[name] else { return .unknown }
    return known == login ? .known : .changed(from: known)
  }
}
