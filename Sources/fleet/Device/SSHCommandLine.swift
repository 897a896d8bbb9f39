import FleetProtocol

/// What stands behind `fleet ssh`: ssh's own options, a device, and perhaps a command.
struct SSHCommandLine: Hashable {
  /// Options of ssh in the order given, each exactly as it was written.
  var options: [String] = []
  /// From `USER@NAME`; an `-l` stands among the options.
  var user: String?
  var device: DeviceName
  var command: [String] = []
  /// Whether no option asks anything of the connection itself.
  private(set) var concernsOnlySession = true

  /// ssh(1)'s getopt string of OpenSSH 9.2.
  private static let letters = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:PQ:R:S:TVw:W:XYy"

  /// Splits the arguments as ssh does: options may also follow the name, until the first other word or `--`.
  ///
  /// Throws `usage` or `name-invalid`.
  init(parsing arguments: [String]) throws(Refusal) {
    var options: [String] = []
    var destination: String?
    var rest = arguments[...]
    var concernsOnlySession = true
    while true {
      let isTerminated = try Self.takeOptions(from: &rest, into: &options) { letter, value in
        if !SessionOptions.concernOnlySession(letter, value) { concernsOnlySession = false }
      }
      guard destination == nil else { break }
      guard let word = rest.popFirst() else {
        throw Refusal(.usage, "which device?", hint: Self.usage)
      }
      destination = word
      if isTerminated { break }
    }
    let text = destination ?? ""
    if let at = text.lastIndex(of: "@") {
      let user = String(text[..<at])
      guard !user.isEmpty, !user.hasPrefix("-"), DisplayText.escaped(user) == user else {
        throw Refusal(
          .nameInvalid, "'\(DisplayText.escaped(user, limit: 40))' is not a login name", hint: Self.usage)
      }
      self.user = user
      device = try DeviceName(validating: text[text.index(after: at)...])
    } else {
      device = try DeviceName(validating: text)
    }
    self.options = options
    self.concernsOnlySession = concernsOnlySession
    command = Array(rest)
  }

  /// Takes options up to the first word that is none, and returns whether a `--` ended them. `each` hears of every one.
  private static func takeOptions(
    from rest: inout ArraySlice<String>, into options: inout [String], each: (Character, String?) -> Void
  ) throws(Refusal) -> Bool {
    while let word = rest.first, word.hasPrefix("-"), word != "-" {
      rest.removeFirst()
      if word == "--" { return true }
      if word.hasPrefix("--") { throw unknownOption(word) }
      options.append(word)
      var cluster = word.dropFirst()
      while let letter = cluster.popFirst() {
        guard let index = letters.firstIndex(of: letter), letter != ":" else {
          throw unknownOption("-\(letter)")
        }
        let next = letters.index(after: index)
        let takesValue = next < letters.endIndex && letters[next] == ":"
        var value: String?
        if takesValue {
          if cluster.isEmpty {
            guard let word = rest.popFirst() else {
              throw Refusal(.usage, "the option '-\(letter)' needs a value", hint: usage)
            }
            options.append(word)
            value = word
          } else {
            value = String(cluster)
            cluster = ""
          }
        }
        try refuse(letter, value)
        each(letter, value)
      }
    }
    return false
  }

  private static func unknownOption(_ option: String) -> Refusal {
    Refusal(.usage, "ssh has no option '\(DisplayText.escaped(option, limit: 40))'", hint: usage)
  }

  /// Refuses what would lead the connection elsewhere, or cannot mean anything for a device.
  private static func refuse(_ letter: Character, _ value: String?) throws(Refusal) {
    let reason: String? =
      switch letter {
      case "J", "W": "the way to a device leads through HostA, so '-\(letter)' cannot be used"
      case "p": "a device has no port to choose, HostA knows it, so '-p' cannot be used"
      case "M", "O", "S": "fleet makes its own connection, so '-\(letter)' cannot be used"
      case "G", "Q", "V": "'-\(letter)' asks ssh about itself; run 'ssh -\(letter)'"
      case "o": refusedKeyword(value ?? "").map { "fleet itself sets \($0), so it cannot be given" }
      default: nil
      }
    if let reason { throw Refusal(.usage, reason, hint: usage) }
  }

  private static func refusedKeyword(_ option: String) -> String? {
    let keyword = option.drop(while: \.isWhitespace).prefix { !$0.isWhitespace && $0 != "=" }.lowercased()
    return ["ProxyCommand", "ProxyJump", "ProxyUseFdpass", "Port"].first { $0.lowercased() == keyword }
  }

  static let usage = "fleet ssh [ssh options] [USER@]NAME [--] [COMMAND...]"
}
