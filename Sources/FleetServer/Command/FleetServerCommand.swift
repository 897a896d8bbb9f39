import ArgumentParser
import FleetProtocol
import Glibc

/// What people type at HostA.
struct FleetServerCommand: ParsableCommand {
  static let exitStatuses = """
    Exit status: 0 done, 1 failed, 2 the command line is not understood, 3 no such device, 4 the device is offline, \
    5 denied.
    """

  static let configuration = CommandConfiguration(
    commandName: "fleet-server",
    abstract: "HostA of a fleet: leases ports to devices behind NAT and lets operators through to them.",
    discussion: exitStatuses, version: "fleet-server \(FleetVersion.current)",
    subcommands: [
      InitCommand.self, RunCommand.self, OperatorCommand.self, DoctorCommand.self, BackupCommand.self,
      RestoreCommand.self, AuditCommand.self, LoginLineCommand.self, PrintSSHDConfigCommand.self,
    ])

  /// Parses and runs; the process's exit status.
  static func start(_ arguments: [String]) -> Int32 {
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      return ExitStatus.done.rawValue
    } catch let refusal as Refusal {
      StandardError.write(refusal)
      return refusal.code.exitStatus.rawValue
    } catch let status as ExitCode {
      return status.rawValue
    } catch {
      let message = fullMessage(for: error)
      guard exitCode(for: error) != .success else {
        print(message)
        return ExitStatus.done.rawValue
      }
      StandardError.write(message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message)
      return ExitStatus.usage.rawValue
    }
  }
}

/// The option that every command has.
struct HomeOption: ParsableArguments {
  @Option(
    name: .customLong("home"),
    help: ArgumentHelp(
      "fleet-server's folder. Default: $FLEET_SERVER_HOME, else ${XDG_STATE_HOME:-~/.local/state}/fleet-server.",
      valueName: "dir"))
  var path: String?

  func home() throws(Refusal) -> Home { try Home.locate(option: path) }
}
