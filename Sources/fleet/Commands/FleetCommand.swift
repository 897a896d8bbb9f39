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

      EXIT STATUS
        0 done, 1 failed, 2 usage, 3 no such device, 4 device offline, 5 denied, 6 HostA unreachable.
        'fleet ssh' returns the status of the remote command, 255 when ssh itself fails.
      """,
    version: "fleet \(FleetVersion.current)",
    subcommands: [
      LoginCommand.self, ProvisionCommand.self, ListCommand.self, ShowCommand.self, SSHCommand.self,
      ProxyCommand.self,
    ])

  /// Runs a command line, its program's name left out.
  static func run(_ arguments: [String]) -> ExitStatus {
    do {
      // ssh's options are not ours: these two never meet the argument parser.
      switch arguments.first {
      case "ssh": try run(SSHCommand.self, SSHCommand.run, Array(arguments.dropFirst()))
      case "proxy": try run(ProxyCommand.self, ProxyCommand.run, Array(arguments.dropFirst()))
      default:
        var command = try parseAsRoot(arguments)
        try command.run()
      }
      return .done
    } catch let refusal as Refusal {
      StandardStreams.show(refusal)
      return refusal.code.exitStatus
    } catch {
      let message = fullMessage(for: error)
      guard exitCode(for: error) != .success else {
        try? StandardStreams.print(message + "\n")
        return .done
      }
      let error = "Error: "
      StandardStreams.note("fleet: " + (message.hasPrefix(error) ? String(message.dropFirst(error.count)) : message))
      return .usage
    }
  }

  private static func run(
    _ type: any ParsableCommand.Type, _ body: ([String]) throws(Refusal) -> Void, _ arguments: [String]
  ) throws(Refusal) {
    guard arguments == ["--help"] || arguments == ["-h"] else { return try body(arguments) }
    try StandardStreams.print(helpMessage(for: type) + "\n")
  }
}
