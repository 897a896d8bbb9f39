import FleetProtocol

/// What stands behind `fleet rsync`: rsync's own arguments, of which some name files on a device.
struct RsyncCommandLine: Hashable {
  /// Everything but `-e`, as it was written and in its order.
  var arguments: [String]
  var login: DeviceLogin
  /// ssh's options from an `-e 'ssh ...'`, as one text that rsync splits.
  var sshOptions: String?

  /// Throws `usage` or `name-invalid`.
  init(parsing words: [String]) throws(Refusal) {
    var rest = words[...]
    var files: [String] = []
    var arguments: [String] = []
    var shell: String?
    while let word = rest.popFirst() {
      if word == "--" {
        arguments += [word] + rest
        files += rest
        break
      }
      switch try Self.part(word, &rest) {
      case .file:
        arguments.append(word)
        files.append(word)
      case .option(let words): arguments += words
      case .shell(let command, let others):
        shell = command
        arguments += others
      }
    }
    self.arguments = arguments
    sshOptions = try shell.flatMap { (command) throws(Refusal) in try Self.options(ofShell: command) }
    let logins = try RemotePath.logins(in: files, usage: Self.usage)
    guard let login = logins.first else {
      throw Refusal(.usage, "none of these files is on a device", hint: "write NAME:PATH for a file on a device")
    }
    guard logins.count == 1 else {
      throw Refusal(
        .usage, "rsync knows one other machine, and these are several",
        hint: "go through this laptop in two steps, or use 'fleet cp -r'")
    }
    self.login = login
  }

  /// rsync's command line; `program` is `fleet` itself.
  func rsync(program: String) -> [String] { ["rsync", "-e", remoteShell(program: program)] + arguments }

  private func remoteShell(program: String) -> String {
    // rsync splits this text at spaces outside quotes, in which a doubled quote stands for one. The one of macOS knows no
    // quotes.
    let quoted = "'" + program.replacingScalar("'", by: "''") + "'"
    let word = program.utf8.contains { " '\"".utf8.contains($0) } ? quoted : program
    // What scp says to its ssh by itself: nothing of a person's configuration gets between.
    let plain = ["PermitLocalCommand=no", "ClearAllForwardings=yes", "RemoteCommand=none", "RequestTTY=no"]
    return ([word, "ssh", "-T"] + plain.map { "-o\($0)" } + (sshOptions.map { [$0] } ?? [])).joined(separator: " ")
  }

  // MARK: Words

  private enum Part {
    case file
    case option([String])
    case shell(String, others: [String])
  }

  /// What a word is, with the value that may follow it.
  private static func part(_ word: String, _ rest: inout ArraySlice<String>) throws(Refusal) -> Part {
    guard word.hasPrefix("-"), word != "-" else { return .file }
    if word.hasPrefix("--") {
      let name = word.dropFirst(2).prefix { $0 != "=" }
      let joined = word.firstIndex(of: "=").map { String(word[word.index(after: $0)...]) }
      guard joined == nil, longWithValue.contains(String(name)) else {
        if name == "rsh", let joined { return .shell(joined, others: []) }
        return .option([word])
      }
      let value = try value(of: word, &rest)
      return name == "rsh" ? .shell(value, others: []) : .option([word, value])
    }
    guard let place = word.dropFirst().firstIndex(where: { "efTBM@".contains($0) }) else { return .option([word]) }
    let before = word[..<place] == "-" ? [] : [String(word[..<place])]
    let joined = String(word[word.index(after: place)...])
    if word[place] == "e" {
      return .shell(joined.isEmpty ? try value(of: "-e", &rest) : joined, others: before)
    }
    return .option(joined.isEmpty ? [word, try value(of: "-\(word[place])", &rest)] : [word])
  }

  private static func value(of option: String, _ rest: inout ArraySlice<String>) throws(Refusal) -> String {
    guard let value = rest.popFirst() else {
      throw Refusal(
        .usage, "the option '\(DisplayText.escaped(option, limit: 40))' needs a value", hint: usage)
    }
    return value
  }

  /// The options behind the word `ssh`. Throws `usage` for any other remote shell.
  private static func options(ofShell command: String) throws(Refusal) -> String? {
    let words = command.drop { $0 == " " }
    let rest = words.dropFirst("ssh".count)
    guard words.hasPrefix("ssh"), rest.first == nil || rest.first == " " else {
      throw Refusal(
        .usage, "the way to a device is fleet's own, so '-e' can only give options to ssh",
        hint: "write -e 'ssh OPTIONS'")
    }
    let options = rest.drop { $0 == " " }
    return options.isEmpty ? nil : String(options)
  }

  /// rsync(1)'s long options whose value may be a word of its own, of rsync 3.2 and newer.
  private static let longWithValue: Set = [
    "address", "backup-dir", "block-size", "bwlimit", "cc", "checksum-choice", "checksum-seed", "chmod", "chown",
    "compare-dest", "compress-choice", "compress-level", "compress-threads", "confine-root", "contimeout", "copy-as",
    "copy-dest", "debug", "early-input", "exclude", "exclude-from", "files-from", "filter", "groupmap", "iconv",
    "include", "include-from", "info", "link-dest", "log-file", "log-file-format", "log-format", "max-alloc",
    "max-delete", "max-size", "min-size", "modify-window", "only-write-batch", "out-format", "outbuf", "partial-dir",
    "password-file", "port", "protocol", "read-batch", "remote-option", "rsh", "rsync-path", "skip-compress",
    "sockopts", "stderr", "stop-after", "stop-at", "suffix", "temp-dir", "time-limit", "timeout", "usermap",
    "write-batch", "zc", "zl", "zt",
  ]

  static let usage = "fleet rsync [rsync options] FILE... [USER@]NAME:PATH, or [USER@]NAME:PATH... FILE"
}
