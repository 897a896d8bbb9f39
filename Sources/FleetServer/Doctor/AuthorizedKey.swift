import FleetProtocol

/// One line of an `authorized_keys` file as sshd reads it: ours, or anybody's.
struct AuthorizedKey: Hashable {
  struct Option: Hashable {
    /// In lower case.
    var name: String
    /// Without its quotes.
    var value: String?
  }

  var options: [Option]
  /// `ssh-ed25519 AAAA...`.
  var key: String
  var comment: String

  /// `nil` for a line from which sshd takes no key. A comment or an empty line is none, too.
  init?(parsing line: some StringProtocol) {
    var rest = Substring(line).trimmingPrefix { $0 == " " || $0 == "\t" }
    var options: [Option] = []
    if Self.key(at: rest) == nil {
      let end = Self.endOfOptions(rest)
      guard let parsed = Self.options(rest[..<end]) else { return nil }
      options = parsed
      rest = rest[end...].trimmingPrefix { $0 == " " || $0 == "\t" }
    }
    guard let (key, comment) = Self.key(at: rest) else { return nil }
    self.options = options
    self.key = key
    self.comment = comment
  }

  func has(_ option: String) -> Bool { options.contains { $0.name == option } }

  func value(of option: String) -> String? { options.first { $0.name == option }?.value }

  /// Whether the line lets its key listen on HostA but does not say where to it may connect.
  var isOpen: Bool {
    let mayForward = !has("restrict") && !has("no-port-forwarding") || has("port-forwarding")
    return mayForward && has("permitlisten") && !has("permitopen")
  }

  /// The words that fleet-server is started with by the line, the program first; `nil` for a line of another kind.
  var fleetServerCommand: [Substring]? {
    guard has("restrict"), let words = value(of: "command")?.split(separator: " "), words.count >= 4,
      words[0] == "exec", words[1].hasPrefix("/")
    else { return nil }
    let arguments = words[2] == "--home" ? words.dropFirst(4) : words.dropFirst(2)
    guard let verb = arguments.first, ["device", "operator", "enroll-key"].contains(verb) else { return nil }
    return [words[1]] + arguments
  }

  // MARK: Reading

  /// What sshd knows; a line with another option is refused as a whole.
  private static let known: Set<String> = [
    "agent-forwarding", "cert-authority", "command", "environment", "expiry-time", "from", "no-agent-forwarding",
    "no-port-forwarding", "no-pty", "no-touch-required", "no-user-rc", "no-x11-forwarding", "permitlisten",
    "permitopen", "port-forwarding", "principals", "pty", "restrict", "touch-required", "tunnel", "user-rc",
    "verify-required", "x11-forwarding",
  ]

  /// Options end at the first blank outside quotes.
  private static func endOfOptions(_ text: Substring) -> Substring.Index {
    var isQuoted = false
    var isEscaped = false
    for index in text.indices {
      let character = text[index]
      if !isQuoted, character == " " || character == "\t" { return index }
      if character == "\"", !isEscaped { isQuoted.toggle() }
      isEscaped = character == "\\" && !isEscaped
    }
    return text.endIndex
  }

  /// `nil` for options that sshd does not understand.
  private static func options(_ text: Substring) -> [Option]? {
    var options: [Option] = []
    var rest = text
    while !rest.isEmpty {
      let name = rest.prefix { $0 != "," && $0 != "=" }
      rest = rest.dropFirst(name.count)
      var value: String?
      if rest.first == "=" {
        rest = rest.dropFirst()
        guard let (text, after) = quoted(rest) else { return nil }
        value = text
        rest = after
      }
      guard known.contains(name.lowercased()) else { return nil }
      options.append(Option(name: name.lowercased(), value: value))
      if rest.isEmpty { break }
      guard rest.first == ",", rest.count > 1 else { return nil }
      rest = rest.dropFirst()
    }
    return options.isEmpty ? nil : options
  }

  /// The text between quotes, and what follows them.
  private static func quoted(_ text: Substring) -> (String, Substring)? {
    guard text.first == "\"" else { return nil }
    var value = ""
    var rest = text.dropFirst()
    while let character = rest.popFirst() {
      if character == "\"" { return (value, rest) }
      if character == "\\", rest.first == "\"" {
        _ = rest.popFirst(); value.append("\"")
      } else {
        value.append(character)
      }
    }
    return nil
  }

  /// A key's algorithm and blob, which must agree, and the rest of the line.
  private static func key(at text: Substring) -> (key: String, comment: String)? {
    let words = text.split(maxSplits: 2, whereSeparator: { $0 == " " || $0 == "\t" })
    guard words.count >= 2, let blob = Base64.decode(words[1]), blob.count > 4 else { return nil }
    let length = blob[0..<4].reduce(0) { $0 << 8 | Int($1) }
    guard length > 0, length < blob.count - 4, blob[4..<(4 + length)].elementsEqual(words[0].utf8) else { return nil }
    return ("\(words[0]) \(words[1])", words.count > 2 ? String(words[2]) : "")
  }
}
