import ArgumentParser
import FleetProtocol

/// The program: the list of commands, and how each of them ends.
struct FleetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "Reach small boxes behind routers that nobody can configure.",
    discussion: """
      A box opens a tunnel to HostA, a machine with a public address; this command sets boxes up, lists them, \
      and opens a shell on them by name.

      EXAMPLE
        fleet login fleet@hosta.example
        fleet provision kitchen-pi --to pi@192.168.1.50
        fleet list
        fleet ssh kitchen-pi

      SEVERAL HOSTAS
        fleet --host NAME COMMAND...; without it the variable FLEET_HOST counts, and
        without that the default that 'fleet hosts' shows.

      EXIT STATUS
        0 done, 1 failed, 2 usage, 3 no such device, 4 device offline, 5 denied,
        6 HostA unreachable; 'fleet ssh' returns the remote command's status,
        255 when ssh itself fails; 'cp', 'rsync' and 'sftp' return the tool's.
      """,
    version: "fleet \(FleetVersion.current)",
    groupedSubcommands: [
      CommandGroup(
        name: "Every day",
        subcommands: [
          ListCommand.self, ShowCommand.self, SSHCommand.self, ExecCommand.self, WaitCommand.self, LogCommand.self,
          QueueCommand.self, TrustCommand.self,
        ]),
      CommandGroup(
        name: "Files and ports",
        subcommands: [CopyCommand.self, RsyncCommand.self, SFTPCommand.self, ForwardCommand.self]),
      CommandGroup(
        name: "For programs",
        subcommands: [
          ConfigSSHCommand.self, InventoryCommand.self, MetricsCommand.self, ProxyCommand.self, KnownHostsCommand.self,
          CompleteCommand.self,
        ]),
      CommandGroup(
        name: "Boxes come in",
        subcommands: [
          ProvisionCommand.self, EnrollKeyCommand.self, ApproveCommand.self, RejectCommand.self,
        ]),
      CommandGroup(
        name: "The life of a device",
        subcommands: [
          RenameCommand.self, TagCommand.self, ReplaceCommand.self, RemoveCommand.self, RekeyCommand.self,
        ]),
      CommandGroup(
        name: "HostA",
        subcommands: [LoginCommand.self, HostsCommand.self, DoctorCommand.self, InitCommand.self]),
    ])

  /// Runs a command line, its program's name left out.
  static func run(_ arguments: [String]) -> ExitStatus {
    do throws(Refusal) {
      if let handed = ToolLaunch.handed() {
        try SSHCommand.run(Array(arguments.first == "ssh" ? arguments.dropFirst() : arguments[...]), handed: handed)
      }
      let options = try GlobalOptions(parsing: arguments)
      if let host = options.host { LaptopEnvironment.choose(host: host) }
      let arguments = options.command
      // The options of other programs are not ours, and ssh itself starts two of these: they never meet the argument parser.
      switch arguments.first {
      case "ssh": try pass(arguments.dropFirst(), to: SSHCommand.self, SSHCommand.run)
      case "cp": try pass(arguments.dropFirst(), to: CopyCommand.self, CopyCommand.run)
      case "rsync": try pass(arguments.dropFirst(), to: RsyncCommand.self, RsyncCommand.run)
      case "sftp": try pass(arguments.dropFirst(), to: SFTPCommand.self, SFTPCommand.run)
      case "complete": try CompleteCommand.run(Array(arguments.dropFirst()))
      case "proxy": try pass(arguments.dropFirst(), to: ProxyCommand.self, ProxyCommand.run)
      case "known-hosts": try pass(arguments.dropFirst(), to: KnownHostsCommand.self, KnownHostsCommand.run)
      default: do { try parse(arguments) } catch { try settle(error) }
      }
      return .done
    } catch {
      StandardStreams.show(error)
      return error.code.exitStatus
    }
  }

  private static func pass(
    _ arguments: ArraySlice<String>, to type: any ParsableCommand.Type, _ body: ([String]) throws(Refusal) -> Void
  ) throws(Refusal) {
    guard arguments == ["--help"] || arguments == ["-h"] else { return try body(Array(arguments)) }
    try StandardStreams.print(helpMessage(for: type) + "\n")
  }

  /// Runs a command by the argument parser.
  private static func parse(_ arguments: [String]) throws {
    let commands = configuration.subcommands.map { $0._commandName } + ["help"]
    if let word = arguments.first, !word.hasPrefix("-"), !commands.contains(word) {
      throw Refusal(
        .usage, "there is no command '\(DisplayText.escaped(word, limit: 40))'", hint: "'fleet --help' shows them all")
    }
    // The parser does not keep words before '--' apart from those behind it, which are for the devices.
    let end = arguments.first == ExecCommand._commandName ? arguments.firstIndex(of: "--") : nil
    var command = try parseAsRoot(Array(arguments[..<(end ?? arguments.endIndex)]))
    if let end, var exec = command as? ExecCommand {
      exec.command = Array(arguments[(end + 1)...])
      command = exec
    }
    try command.run()
  }

  /// Prints what the argument parser throws for `--help`; every other error becomes a refusal.
  private static func settle(_ error: any Error) throws(Refusal) {
    if let refusal = error as? Refusal { throw refusal }
    let message = fullMessage(for: error)
    guard exitCode(for: error) != .success else { return try StandardStreams.print(message + "\n") }
    let prefix = "Error: "
    throw Refusal(.usage, message.hasPrefix(prefix) ? String(message.dropFirst(prefix.count)) : message)
  }
}
