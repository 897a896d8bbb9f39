import FleetProtocol

/// What stands before the command: `fleet --host office list`.
///
/// Taken off before any command sees its arguments, because ssh's and rsync's are not ours to parse.
struct GlobalOptions: Hashable {
  /// Which HostA is meant; `nil` leaves it to the variable FLEET_HOST, and that to the default.
  var host: String?
  /// The command and everything behind it.
  let command: [String]

  /// Commands that bring a HostA in or look after all of them.
  private static let notAboutOneHost = ["login", "init", "hosts"]

  /// Throws `usage`.
  init(parsing arguments: [String]) throws(Refusal) {
    var rest = arguments[...]
    let option = "--host"
    while let word = rest.first, word == option || word.hasPrefix(option + "=") {
      rest = rest.dropFirst()
      let value = word == option ? rest.popFirst() : String(word.dropFirst(option.count + 1))
      guard let value, !value.isEmpty, !value.hasPrefix("-") else {
        throw Refusal(.usage, "which HostA?", hint: "fleet --host NAME COMMAND; 'fleet hosts' shows the names")
      }
      guard host == nil else { throw Refusal(.usage, "--host was given twice") }
      host = value
    }
    command = Array(rest)
    guard host != nil else { return }
    guard let verb = command.first else {
      throw Refusal(.usage, "which command?", hint: "fleet --host NAME COMMAND, such as 'fleet --host office list'")
    }
    guard !Self.notAboutOneHost.contains(verb) else {
      throw Refusal(
        .usage, "'fleet \(verb)' does not talk to one of the known HostAs, so --host means nothing to it",
        hint: "what a new HostA is called is said by 'fleet login --name NAME'")
    }
  }
}
