import ArgumentParser
import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward", abstract: "Make a port of a device a port of this laptop.",
    usage: usage,
    discussion: """
      8080:80 is port 80 of the device, 8080 alone the same port, 8080:HOST:80 a port of a host that the device \
      reaches. This laptop listens on 127.0.0.1, or on BIND. It says so when it does, and stays until Ctrl-C. When \
      the device goes away it ends with status 4; with --keep it waits for the device, also at the beginning.

      EXAMPLE
        fleet forward kitchen-pi 8080:80 --open
        fleet forward kitchen-pi 5432 8443:192.168.1.1:443
        fleet forward --keep root@kitchen-pi 0.0.0.0:1883:1883
      """)

  @Flag(help: "Open the first port in the browser.")
  var open = false

  @Flag(help: "Wait for the device when it is away, and listen again when it is back.")
  var keep = false

  @Option(name: .customShort("i"), help: ArgumentHelp("ssh's -i: the private key.", valueName: "file"))
  var identity: String?

  @Option(
    name: .customShort("o", allowingJoined: true), parsing: .singleValue,
    help: ArgumentHelp("ssh's -o, as often as needed.", valueName: "option"))
  var options: [String] = []

  @Argument(help: "The device's name.")
  var name: String?

  @Argument(help: "Ports.")
  var ports: [String] = []

  private static let usage = "fleet forward [--open] [--keep] [USER@]NAME [BIND:]PORT[:[HOST:]PORT]..."

  func run() throws {
    guard let name else { throw Refusal(.usage, "which device?", hint: Self.usage) }
    let login = try DeviceLogin(parsing: name, usage: Self.usage)
    guard !ports.isEmpty else { throw Refusal(.usage, "which port?", hint: Self.usage) }
    var forwarded: [ForwardedPort] = []
    for port in ports { forwarded.append(try ForwardedPort(parsing: port)) }
    let line = try ForwardArguments.commandLine(
      login, ports: forwarded,
      options: (identity.map { ["-i", $0] } ?? []) + options.flatMap { ["-o", $0] })
    try Forwarding(line: line, ports: forwarded, opensBrowser: open, keeps: keep, context: LaptopContext()).run()
  }
}
