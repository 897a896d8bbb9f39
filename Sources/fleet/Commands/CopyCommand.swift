import ArgumentParser
import FleetProtocol

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp", abstract: "Copy files to and from devices, with scp.",
    usage: CopyCommandLine.usage,
    discussion: """
      NAME:PATH is a file on a device, a path without '/' at its beginning counts from the account's home. A local \
      file with ':' in its name is written ./a:b. Every option of scp(1) works, except those that would lead the \
      connection elsewhere (-J, -P, -S, -D, -R). From device to device files go through this laptop. A device \
      without an SFTP server needs -O. The exit status is scp's, unless a device cannot be reached at all.

      EXAMPLE
        fleet cp notes.txt kitchen-pi:
        fleet cp -r root@kitchen-pi:/etc/nginx attic-pi:/tmp/shot.png .
        fleet cp kitchen-pi:data.csv attic-pi:data.csv
      """)

  @Argument(parsing: .captureForPassthrough, help: "scp's options and files.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  /// Becomes scp; returns only by throwing.
  static func run(_ arguments: [String]) throws(Refusal) {
    let line = try CopyCommandLine(parsing: arguments)
    try ToolLaunch.become(logins: line.logins, package: "openssh-client", line.scp)
  }
}
