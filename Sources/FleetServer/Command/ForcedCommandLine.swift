import FleetProtocol

/// How one of a device's keys stands to the device: the word behind the port in its key line.
enum DeviceKeyStanding: Int, Comparable, CaseIterable {
  /// The device's key.
  case current
  /// The device's key, which the device is asked to replace.
  case replace
  /// The key that becomes the device's as soon as the device shows that it has it.
  case next

  /// `nil` where nothing stands in the line.
  var word: String? {
    switch self {
    case .current: nil
    case .replace: "replace"
    case .next: "next"
    }
  }

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The three command lines that stand in key lines, told apart from what people type before anything else is loaded.
enum ForcedCommandLine: Hashable {
  case device(DeviceID, TCPPort, DeviceKeyStanding, home: String?)
  case `operator`(OperatorName, home: String?)
  case enrollKey(EnrollKeyID, home: String?)

  /// Words after `operator` that people type, and that therefore are nobody's name.
  static let reservedOperatorNames: Set<String> = ["add", "list", "remove", "help"]

  /// `nil` for everything else. The arguments are those after the program's name.
  init?(_ arguments: [String]) {
    var words = arguments[...]
    var home: String?
    if words.first == "--home", words.count > 2 {
      home = words[words.startIndex + 1]
      words = words.dropFirst(2)
    }
    let rest = Array(words)
    let word = rest.count == 4 ? rest[3] : nil
    if rest.count == 3 || rest.count == 4, rest[0] == "device", let device = DeviceID(rest[1]),
      let port = TCPPort(parsing: rest[2]), let standing = DeviceKeyStanding.allCases.first(where: { $0.word == word })
    {
      self = .device(device, port, standing, home: home)
    } else if rest.count == 2, rest[0] == "operator", !Self.reservedOperatorNames.contains(rest[1]),
      let name = try? OperatorName(validating: rest[1])
    {
      self = .operator(name, home: home)
    } else if rest.count == 2, rest[0] == "enroll-key", let id = try? EnrollKeyID(validating: rest[1]) {
      self = .enrollKey(id, home: home)
    } else {
      return nil
    }
  }
}
