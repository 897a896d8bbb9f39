import FleetProtocol

/// What stands behind `fleet ssh`: ssh's own options, a device, and perhaps a command.
struct SSHCommandLine: Hashable {
  /// Options of ssh in the order given, each in words of its own.
  var options: [String] = []
  /// From `USER@NAME` or `-l`.
  var user: String?
  var device: DeviceName
  var command: [String] = []
  /// Whether no option asks anything of the connection itself.
  let concernsOnlySession: Bool

  /// ssh(1)'s options, of OpenSSH 9.2 and newer.
  private static let letters = ShortOptions(
    program: "ssh", letters: "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy", usage: usage)

  /// Splits the arguments as ssh does: options may also follow the name, until the first other word or `--`.
  ///
  /// Throws `usage` or `name-invalid`.
  init(parsing arguments: [String]) throws(Refusal) {
    var options: [ShortOptions.Option] = []
    var destination: String?
    var rest = arguments[...]
    while true {
      let isTerminated = try Self.letters.take(from: &rest, into: &options)
      guard destination == nil else { break }
      guard let word = rest.popFirst() else {
        throw Refusal(.usage, "which device?", hint: Self.usage)
      }
      destination = word
      if isTerminated { break }
    }
    for option in options { try Self.refuse(option) }
    let login = try DeviceLogin(parsing: destination ?? "", usage: Self.usage)
    user = login.user ?? options.first { $0.letter == "l" }?.value
    device = login.device
    options.removeAll { $0.letter == "l" }
    concernsOnlySession = options.allSatisfy { SessionOptions.concernOnlySession($0.letter, $0.value) }
    self.options = options.flatMap(Self.words)
    command = Array(rest)
  }

  private static func words(_ option: ShortOptions.Option) -> [String] {
    // An ssh before OpenSSH 9.4 takes -P for a flag and the value for the name of a host; of the keyword it says what is wrong.
    if option.letter == "P", let tag = option.value { return ["-o", "Tag=\(tag)"] }
    return option.words
  }

  /// Refuses what would lead the connection elsewhere, or cannot mean anything for a device.
  private static func refuse(_ option: ShortOptions.Option) throws(Refusal) {
    let letter = option.letter
    let reason: String? =
      switch letter {
      case "J": "the way to a device leads through HostA, so '-J' cannot be used"
      case "p": "a device has no port to choose, HostA knows it, so '-p' cannot be used"
      case "M", "O", "S": "fleet makes its own connection, so '-\(letter)' cannot be used"
      case "G", "Q", "V": "'-\(letter)' asks ssh about itself; run 'ssh -\(letter)'"
      case "1": "ssh has no protocol 1 any more, so '-1' cannot be used"
      case "o": refusedKeyword(option.value ?? "").map { "fleet itself sets \($0), so it cannot be given" }
      default: nil
      }
    if let reason { throw Refusal(.usage, reason, hint: usage) }
  }

  /// The keyword of an `-o` that fleet itself must set; `nil` for all others.
  static func refusedKeyword(_ option: String) -> String? {
    let keyword = option.drop(while: \.isWhitespace).prefix { !$0.isWhitespace && $0 != "=" }.lowercased()
    return ["ProxyCommand", "ProxyJump", "ProxyUseFdpass", "Port"].first { $0.lowercased() == keyword }
  }

  static let usage = "fleet ssh [ssh options] [USER@]NAME [--] [COMMAND...]"
}
