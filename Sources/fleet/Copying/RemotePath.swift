import FleetProtocol

/// `[USER@]NAME:PATH`, a file on a device.
struct RemotePath: Hashable {
  let login: DeviceLogin
  let path: String

  /// `nil` for a file on this laptop, by scp's rule: no colon before the first slash, or a colon at the beginning.
  ///
  /// Throws `name-invalid` for what stands before the colon.
  init?(parsing word: String, usage: String) throws(Refusal) {
    try DeviceLogin.refuseURI(word, usage: usage)
    guard let colon = Self.colon(in: word) else { return nil }
    login = try DeviceLogin(parsing: word[..<colon], usage: usage)
    path = String(word[word.index(after: colon)...])
  }

  private static func colon(in word: String) -> String.Index? {
    guard word.first != ":" else { return nil }
    // As with an IPv6 address, colons within brackets say nothing.
    var isBracketed = word.first == "["
    var index = word.startIndex
    while index < word.endIndex {
      let next = word.index(after: index)
      let following = next < word.endIndex ? word[next] : nil
      switch word[index] {
      case "/": return nil
      case "@" where following == "[": isBracketed = true
      case "]" where following == ":" && isBracketed: return next
      case ":" where !isBracketed: return index
      default: break
      }
      index = next
    }
    return nil
  }

  /// Where these words lead to, each once, in order. Throws `name-invalid`.
  static func logins(in words: [String], usage: String) throws(Refusal) -> [DeviceLogin] {
    var logins: [DeviceLogin] = []
    for word in words {
      guard let login = try RemotePath(parsing: word, usage: usage)?.login else { continue }
      if !logins.contains(login) { logins.append(login) }
    }
    return logins
  }
}
