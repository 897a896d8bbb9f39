/// One word for a POSIX shell on another machine or in a ProxyCommand.
enum ShellWord {
  /// In single quotes, within which a shell changes nothing.
  static func quoted(_ word: String) -> String { "'" + word.replacingScalar("'", by: "'\\''") + "'" }
}
