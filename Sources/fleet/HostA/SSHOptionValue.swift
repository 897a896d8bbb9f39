/// Writes a file's path as the value of an `ssh -o` option.
enum SSHOptionValue {
  /// In double quotes, with the characters escaped that mean something to ssh's configuration reader: `"` and `\`
  /// end or escape the quoting, and `%` begins a token in every option that takes a path.
  static func path(_ path: String) -> String {
    let escaped = path.replacingScalar("\\", by: "\\\\").replacingScalar("\"", by: "\\\"")
    return "\"\(escaped.replacingScalar("%", by: "%%"))\""
  }

  /// One word of a ProxyCommand: single quotes for the shell that runs it, `%` doubled for ssh.
  static func proxyCommandWord(_ word: String) -> String {
    ShellWord.quoted(word).replacingScalar("%", by: "%%")
  }
}
