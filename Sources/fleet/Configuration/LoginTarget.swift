import FleetProtocol

/// The argument of `fleet login`: `ACCOUNT@HOST[:PORT]`, with an IPv6 address in brackets where a port follows.
struct LoginTarget: Hashable {
  let account: LoginName
  let address: String
  let port: TCPPort

  /// Where `fleet-server init` puts its private sshd unless told otherwise.
  static let defaultPort = TCPPort(2222)!

  /// Throws `usage` or `name-invalid`.
  init(parsing text: String) throws(Refusal) {
    guard let at = text.firstIndex(of: "@") else { throw Self.malformed(text) }
    account = try LoginName(validating: text[..<at])
    guard let (address, port) = Self.addressAndPort(text[text.index(after: at)...]) else {
      throw Self.malformed(text)
    }
    self.address = address
    self.port = port ?? Self.defaultPort
  }

  /// Splits `HOST`, `HOST:PORT`, `IPV6`, `[IPV6]` or `[IPV6]:PORT`; `nil` for anything else.
  static func addressAndPort(_ text: Substring) -> (address: String, port: TCPPort?)? {
    var address = text
    var portText: Substring?
    if text.first == "[" {
      guard let close = text.firstIndex(of: "]") else { return nil }
      address = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      guard rest.isEmpty || rest.first == ":" else { return nil }
      portText = rest.isEmpty ? nil : rest.dropFirst()
    } else if text.filter({ $0 == ":" }).count == 1, let colon = text.firstIndex(of: ":") {
      address = text[..<colon]
      portText = text[text.index(after: colon)...]
    }
    guard HostAddress.isAddress(String(address)), address.contains(where: { $0 != "." }) else { return nil }
    guard let portText else { return (String(address), nil) }
    guard let port = TCPPort(parsing: portText) else { return nil }
    return (String(address), port)
  }

  private static func malformed(_ text: String) -> Refusal {
    Refusal(
      .usage, "'\(DisplayText.escaped(text, limit: 80))' does not say which account on which host",
      hint: "write ACCOUNT@HOST or ACCOUNT@HOST:PORT, such as fleet@hosta.example:2222")
  }
}
