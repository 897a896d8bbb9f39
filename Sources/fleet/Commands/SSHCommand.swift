import ArgumentParser
import FleetProtocol

struct SSHCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ssh", abstract: "Open a shell on a device, or run a command there.",
    usage: SSHCommandLine.usage,
    discussion: """
      Every option of ssh(1) works, except those that would lead the connection elsewhere (-J, -p, -S, \
      -o ProxyCommand). Without USER@ the account is the one that was given to 'fleet provision'. The device \
      must show the host key that was recorded when it was provisioned. The exit status is the remote command's.

      The connection stays for a minute, and the next session on the device uses it again, unless an option asks \
      something of the connection itself (-L, -A, -i, -v and the like). FLEET_REUSE=0 turns that off.

      EXAMPLE
        fleet ssh kitchen-pi
        fleet ssh -L 8080:127.0.0.1:80 root@kitchen-pi
        fleet ssh kitchen-pi -- tail -n 5 /var/log/syslog
      """)

  @Argument(parsing: .captureForPassthrough, help: "ssh's options, the device and a command.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  /// Becomes ssh; returns only by throwing.
  static func run(_ arguments: [String]) throws(Refusal) { try run(arguments, handed: HandedConnections()) }

  /// The same over a connection that was handed to it, where there is one.
  static func run(_ arguments: [String], handed: HandedConnections) throws(Refusal) -> Never {
    let line = try SSHCommandLine(parsing: arguments)
    let context = try LaptopContext()
    let session = DeviceSession(host: context.host, paths: context.paths)
    throw Subprocess.replaceSelf(try session.arguments(line, handed: handed))
  }
}
