import FleetProtocol

/// Where a box on the bench answers: `[USER@]BOX[:PORT]`, where BOX may be an alias of the person's ssh configuration.
struct BoxTarget: Hashable {
  /// `nil` leaves the choice to ssh.
  let user: String?
  let address: String
  let port: TCPPort?

  /// Throws `usage`.
  init(parsing text: String) throws(Refusal) {
    let at = text.lastIndex(of: "@")
    user = at.map { String(text[..<$0]) }
    let rest = at.map { text[text.index(after: $0)...] } ?? text[...]
    guard let (address, port) = LoginTarget.addressAndPort(rest), user.map(Self.isUser) ?? true else {
      throw Refusal(
        .usage, "'\(DisplayText.escaped(text, limit: 80))' is not a box that ssh can reach",
        hint: "write BOX, USER@BOX or USER@BOX:PORT, such as pi@192.168.1.50")
    }
    self.address = address
    self.port = port
  }

  private static func isUser(_ user: String) -> Bool {
    !user.isEmpty && !user.hasPrefix("-") && !user.contains(where: \.isWhitespace) && DisplayText.escaped(user) == user
  }

  /// As a person would write it.
  var description: String { (user.map { "\($0)@" } ?? "") + address + (port.map { ":\($0)" } ?? "") }
}

/// The command lines of ssh to a box on the bench: the person's own ssh, with its keys, agent and configuration.
enum BoxSSHArguments {
  /// Opens one connection that the later ones share, so that a password is asked for once.
  static func open(_ box: BoxTarget, controlPath: String) -> [String] {
    // ControlPersist ends the shared connection even when this process was killed and could not.
    arguments(box, controlPath: controlPath, ["ControlMaster=yes", "ControlPersist=300"], ["-f", "-N"]) + [
      "--", box.address,
    ]
  }

  static func run(_ command: String, on box: BoxTarget, controlPath: String) -> [String] {
    arguments(box, controlPath: controlPath, ["ControlMaster=no"], []) + ["--", box.address, command]
  }

  static func close(_ box: BoxTarget, controlPath: String) -> [String] {
    arguments(box, controlPath: controlPath, [], ["-O", "exit"]) + ["--", box.address]
  }

  private static func arguments(
    _ box: BoxTarget, controlPath: String, _ options: [String], _ flags: [String]
  ) -> [String] {
    var arguments = ["ssh", "-T"] + flags
    let common = [
      "ControlPath=\(SSHOptionValue.path(controlPath))", "ClearAllForwardings=yes", "ForwardAgent=no",
      "ForwardX11=no", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no", "ConnectTimeout=10",
      "ServerAliveInterval=10", "LogLevel=ERROR",
    ]
    for option in common + options { arguments += ["-o", option] }
    if let port = box.port { arguments += ["-p", port.description] }
    if let user = box.user { arguments += ["-l", user] }
    return arguments
  }
}
