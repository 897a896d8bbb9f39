import ArgumentParser
import FleetProtocol

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Find out where the way to HostA, or to a device, ends.",
    usage: "fleet doctor [[USER@]NAME] [--json]",
    discussion: """
      Each step is a line with what was found and how long it took. At the first one that fails the reason and the way \
      out are told, and the exit status is that reason's. The last step logs in on the device as 'fleet ssh' does, \
      with your keys and without a question, and runs 'true' there.

      EXAMPLE
        fleet doctor
        fleet doctor kitchen-pi
        fleet --host office doctor root@kitchen-pi --json
      """)

  @Argument(help: ArgumentHelp("The device, and the account on it.", valueName: "[user@]name"))
  var device: String?

  @Flag(help: "Print one JSON object: {\"v\":1,\"ok\":...,\"steps\":[...]}.")
  var json = false

  func run() throws {
    let line = try device.map { name throws(Refusal) in
      guard !name.hasPrefix("-") else { throw Refusal(.usage, "which device?", hint: Self.configuration.usage) }
      return try SSHCommandLine(parsing: ["-T", name, "--", "true"])
    }
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    var doctor = Doctor(line: line, isJSON: json, style: style)
    try doctor.run()
  }
}
