/// Which command lines may use a connection that stands already, or leave one behind: those that say nothing about the
/// connection itself. What somebody asked of a connection is never lost to one that was made without it.
enum SessionOptions {
  /// Whether an option of ssh, with its value, is about the session alone.
  static func concernOnlySession(_ letter: Character, _ value: String?) -> Bool {
    switch letter {
    // The account of -l is part of what a connection is found by;
    // -a, -x, -k, -4 and -6 turn off what a connection that is used again never has, or mean nothing on the way.
    case "t", "T", "n", "q", "e", "s", "a", "x", "k", "4", "6": true
    case "o": value.map(concernOnlySession) ?? false
    default: false
    }
  }

  private static func concernOnlySession(_ option: String) -> Bool {
    let words = option.split(maxSplits: 1) { $0.isWhitespace || $0 == "=" }
    guard let keyword = words.first?.lowercased(), words.count == 2 else { return false }
    let value = words[1].drop { $0.isWhitespace || $0 == "=" }.lowercased()
    return switch keyword {
    case "loglevel": ["quiet", "fatal", "error", "info"].contains(value)
    // What scp, sftp and rsync turn off, a connection that is used again never has.
    case "forwardagent", "forwardx11", "permitlocalcommand": value == "no"
    case "clearallforwardings": value == "yes"
    case "remotecommand": value == "none"
    default: sessionKeywords.contains(keyword)
    }
  }

  /// Of these, those about time-outs and questions ask nothing of a connection that stands.
  private static let sessionKeywords: Set = [
    "batchmode", "connectionattempts", "connecttimeout", "escapechar", "numberofpasswordprompts",
    "remotecommand", "requesttty", "sendenv", "setenv",
  ]

  /// Whether a connection may stay and be used again, by what `ssh -G` printed for it: none that forwards something, as a
  /// person's ~/.ssh/config may want it, because that would stay too.
  static func mayStay(effectiveSettings: String) -> Bool {
    var hasSettings = false
    for line in effectiveSettings.split(whereSeparator: \.isNewline) {
      guard let space = line.firstIndex(of: " ") else { continue }
      let value = line[line.index(after: space)...]
      hasSettings = true
      switch line[..<space].lowercased() {
      case "localforward", "remoteforward", "dynamicforward": return false
      case "forwardagent", "forwardx11", "tunnel", "permitlocalcommand", "forkafterauthentication":
        if value != "no", value != "false" { return false }
      case "sessiontype": if value == "none" { return false }
      default: break
      }
    }
    return hasSettings
  }
}
