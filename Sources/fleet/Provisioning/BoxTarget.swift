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
