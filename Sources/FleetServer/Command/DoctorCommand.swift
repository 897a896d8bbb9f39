import ArgumentParser
import FleetProtocol

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what is wrong with this HostA, what comes of it, and what mends it.",
    discussion: """
      Looks at sshd's policy as sshd itself tells it, the key file, the registry, the machine's limits, ports, disk \
      and clock; as the account that runs HostA, without root, and changes nothing. HOSTING.md lists what is found.

      Example:
        fleet-server doctor
        fleet-server doctor --json

      Exit status: 0 nothing is serious, 1 something is, 2 the command line is not understood.
      """)

  @Flag(help: "Print one JSON object: {\"v\":1,\"ok\":...,\"findings\":[...],\"fine\":[...]}.")
  var json = false

  @OptionGroup var home: HomeOption

  func run() throws {
    let report = HostInspection.report(try home.home())
    print(json ? report.json : report.text, terminator: json ? "\n" : "")
    if !report.isOK { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}
