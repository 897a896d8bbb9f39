import FleetProtocol

/// The small shell commands that `fleet provision` runs on a box.
enum BoxScript {
  /// A plain path stays as it is, so that a person can read what `--dry-run` shows.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "/._-".utf8.contains(byte)
    }
    return isPlain && !word.isEmpty ? word : ShellWord.quoted(word)
  }

  /// Runs the script that comes on standard input, whatever the account's login shell is.
  static func fromInput(_ arguments: [String]) -> String {
    (["exec sh -s --"] + arguments.map(quoted)).joined(separator: " ")
  }

  /// Writes standard input to a file in one step. With `size`, only when so many bytes came: a connection that breaks
  /// looks to the box like the end of the file.
  static func write(_ file: String, in folder: String, mode: String, size: Int? = nil) -> String {
    let path = quoted("\(folder)/\(file)")
    let temporary = quoted("\(folder)/\(file).new")
    let complaint = "{ echo \"\(file) did not come whole\" >&2; false; }"
    let isWhole = size.map { "{ [ $(wc -c <\(temporary)) -eq \($0) ] || \(complaint); } && " } ?? ""
    return shell(
      "umask 077; mkdir -p \(quoted(folder)) && cat >\(temporary) && \(isWhole)chmod \(mode) \(temporary) && "
        + "mv -f \(temporary) \(path) || { rm -f \(temporary); exit 1; }")
  }

  static func copy(_ source: String, to file: String, in folder: String) -> String {
    shell("umask 077 && mkdir -p \(quoted(folder)) && cp -p \(quoted(source)) \(quoted("\(folder)/\(file)"))")
  }

  /// Prints the public key. A box that is this device already keeps its key, and with it its lease.
  static func keygen(_ facts: BoxFacts, device: DeviceName) -> String {
    let key = quoted("\(facts.stage)/id_ed25519")
    let present = quoted("\(facts.folder)/id_ed25519")
    let reuse =
      facts.presentDevice == device.rawValue
      ? "if [ ! -f \(key) ] && [ -f \(present) ]; then cp \(present) \(key); fi; " : ""
    return shell("umask 077; \(reuse)exec \(quoted("\(facts.stage)/fleet-agent")) keygen --out \(key)")
  }

  /// Prints the public host keys of the box's sshd: what it shows on its port, else what lies beside it.
  static func hostKeys(_ facts: BoxFacts, port: TCPPort) -> String {
    let agent = quoted("\(facts.stage)/fleet-agent")
    return shell(
      "keys=$(\(agent) host-keys --port \(port) 2>/dev/null); "
        + "[ -n \"$keys\" ] || keys=$(ssh-keyscan -p \(port) 127.0.0.1 2>/dev/null | sed \"s/^[^ ]* //\"); "
        + "[ -n \"$keys\" ] || keys=$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null); printf \"%s\\\\n\" \"$keys\"")
  }

  static func install(_ facts: BoxFacts, asUser: Bool) -> String {
    "exec sh \(quoted("\(facts.stage)/install.sh"))\(asUser ? " --user" : "")"
  }

  static func removeStage(_ facts: BoxFacts) -> String { "rm -rf \(quoted(facts.stage))" }

  static func agentStatus(_ facts: BoxFacts) -> String {
    "exec \(quoted(facts.binary)) status --config \(quoted("\(facts.folder)/agent.json"))"
  }

  /// In a POSIX shell, since the account's own may be another.
  private static func shell(_ script: String) -> String { "exec sh -c \(ShellWord.quoted(script))" }
}
