/// What a device may ask of HostA.
public enum DeviceRequest: String, CaseIterable, Sendable {
  case claim
  case report

  /// Parses SSH_ORIGINAL_COMMAND. Throws `request-malformed` or `request-refused`.
  public init(parsing command: String) throws(Refusal) {
    let words = try RequestTokenizer.words(of: command)
    guard words.count == 1, let request = Self(rawValue: words[0]) else {
      throw Refusal(
        .requestRefused, "a device cannot ask for '\(DisplayText.escaped(command, limit: 60))'",
        hint: "a device's key is for its tunnel only; use an operator's key")
    }
    self = request
  }
}

/// What an operator may ask of HostA.
public enum OperatorRequest: Hashable, Sendable {
  case list
  case show(DeviceName)
  case provision(DeviceName)
  case enroll(DeviceName)
  case connect(DeviceName)
  case version

  /// Parses SSH_ORIGINAL_COMMAND. Throws `request-malformed`, `request-refused` or `name-invalid`.
  public init(parsing command: String) throws(Refusal) {
    let words = try RequestTokenizer.words(of: command)
    switch (words[0], words.count) {
    case ("list", 1): self = .list
    case ("version", 1): self = .version
    case ("show", 2): self = .show(try DeviceName(validating: words[1]))
    case ("provision", 2): self = .provision(try DeviceName(validating: words[1]))
    case ("enroll", 2): self = .enroll(try DeviceName(validating: words[1]))
    case ("connect", 2): self = .connect(try DeviceName(validating: words[1]))
    default:
      throw Refusal(
        .requestRefused, "an operator cannot ask for '\(DisplayText.escaped(command, limit: 60))'",
        hint: "use list, show, provision, enroll, connect or version")
    }
  }

  /// The command line that asks for it.
  public var command: String {
    switch self {
    case .list: "list"
    case .show(let name): "show \(name)"
    case .provision(let name): "provision \(name)"
    case .enroll(let name): "enroll \(name)"
    case .connect(let name): "connect \(name)"
    case .version: "version"
    }
  }
}
