import FleetProtocol

/// The three command lines that stand in key lines, told apart from what people type before anything else is loaded.
enum ForcedCommandLine: Hashable {
  case device(DeviceID, TCPPort, home: String?)
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
    if rest.count == 3, rest[0] == "device", let device = DeviceID(rest[1]), let port = TCPPort(parsing: rest[2]) {
      self = .device(device, port, home: home)
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
