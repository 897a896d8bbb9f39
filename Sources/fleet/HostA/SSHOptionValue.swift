/// Writes a file's path as the value of an `ssh -o` option.
enum SSHOptionValue {
  /// In double quotes, with the characters escaped that mean something to ssh's configuration reader: `"` and `\`
  /// end or escape the quoting, and `%` begins a token in every option that takes a path.
  static func path(_ path: String) -> String {
    var quoted = "\""
    for character in path {
      switch character {
      case "\"", "\\": quoted += "\\\(character)"
      case "%": quoted += "%%"
      default: quoted.append(character)
      }
    }
    return quoted + "\""
  }

  /// One word of a ProxyCommand: single quotes for the shell that runs it, `%` doubled for ssh.
  static func proxyCommandWord(_ word: String) -> String {
    ShellWord.quoted(word).split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%")
  }
}
