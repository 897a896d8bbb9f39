import ArgumentParser
import FleetProtocol

struct SFTPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sftp", abstract: "Look around among a device's files, with sftp.",
    usage: SFTPCommandLine.usage,
    discussion: """
      Every option of sftp(1) works, except those that would lead the connection elsewhere (-J, -P, -S, -D). The exit \
      status is sftp's, unless the device cannot be reached at all.

      EXAMPLE
        fleet sftp kitchen-pi
        fleet sftp root@kitchen-pi:/var/log
        echo 'get *.csv' | fleet sftp -b - kitchen-pi:data
      """)

  @Argument(parsing: .captureForPassthrough, help: "sftp's options and the device.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  /// Becomes sftp; returns only by throwing.
  static func run(_ arguments: [String]) throws(Refusal) {
    let line = try SFTPCommandLine(parsing: arguments)
    try ToolLaunch.become(logins: [line.login], package: "openssh-client", line.sftp)
  }
}
