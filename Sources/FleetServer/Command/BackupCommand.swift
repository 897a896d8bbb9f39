import ArgumentParser
import FleetProtocol
import Glibc

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Write this HostA to a file, or look at such a file.",
    discussion: """
      Examples:
        fleet-server backup /mnt/stick/hosta.backup
        fleet-server backup verify /mnt/stick/hosta.backup
        ssh fleet@hosta.example fleet-server backup - > hosta.backup

      \(FleetServerCommand.exitStatuses)
      """,
    subcommands: [Write.self, Verify.self], defaultSubcommand: Write.self)

  struct Write: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "write", abstract: "Write the registry, the settings and HostA's key to a file.",
      discussion: """
        The word 'write' may be left out. Everything goes on meanwhile, and the file is \
        the registry as of one moment. It holds HostA's private key: keep it as you keep \
        that. An earlier backup is replaced by the new one when that is whole; any other \
        file is left alone. '-' writes to standard output.

        Example:
          fleet-server backup /mnt/stick/hosta.backup

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: ArgumentHelp("The file, or '-'.", valueName: "file")) var file: String
    @OptionGroup var home: HomeOption

    func run() throws {
      let home = try HomeFolder.check(try home.home())
      guard file == "-" else {
        let backup = try HostBackup(home: home).write(to: try Home.absolute(file))
        print("\(backup.summary)\nwritten to \(DisplayText.escaped(file, limit: 200))")
        return
      }
      guard isatty(1) == 0 else {
        throw Refusal(.usage, "a terminal is no place for HostA's key", hint: "give a file, or '- > FILE'")
      }
      let path = home.path + "/backup-for-standard-output"
      defer { unlink(path) }
      StandardError.write(try HostBackup(home: home).write(to: path).summary)
      try FileReading.copy(path, to: 1)
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Say what is in a backup, and whether every byte of it is as it was written.",
      discussion: """
        Example:
          fleet-server backup verify /mnt/stick/hosta.backup

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "file")) var file: String

    func run() throws {
      let backup = try Backup.read(try Home.absolute(file))
      print("\(backup.summary)\nwhole: every page is as it was written")
    }
  }
}

extension Backup {
  /// Of what it is, when it was made, and what it holds.
  var summary: String {
    let account = "\(settings.account)@\(settings.address):\(settings.listen.port)"
    let counts = [
      Self.count(devices, "device"), Self.count(operators, "operator"), Self.count(enrollKeys, "enroll key"),
    ]
    let key =
      hostKeys[.hostKey] == nil
      ? "without a host key: the machine's own sshd has one" : "with HostA's key"
    return """
      backup of \(account), made \(made) by fleet-server \(DisplayText.escaped(version, limit: 40))
      \(counts.joined(separator: ", ")); \(key)
      """
  }

  private static func count(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
}
