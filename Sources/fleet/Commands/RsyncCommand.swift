import ArgumentParser
import FleetProtocol

struct RsyncCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rsync", abstract: "Keep folders here and on a device alike, with rsync.",
    usage: RsyncCommandLine.usage,
    discussion: """
      Every option of rsync(1) works; -e 'ssh OPTIONS' gives options to the ssh that reaches the device. rsync must \
      be installed on both machines. The exit status is rsync's, unless the device cannot be reached at all.

      EXAMPLE
        fleet rsync -av site/ kitchen-pi:/var/www/
        fleet rsync -a --delete root@kitchen-pi:/etc/ backup/kitchen-pi/
        fleet rsync -e 'ssh -i other_key' notes.txt kitchen-pi:
      """)

  @Argument(parsing: .captureForPassthrough, help: "rsync's options and files.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  /// Becomes rsync; returns only by throwing.
  static func run(_ arguments: [String]) throws(Refusal) {
    let line = try RsyncCommandLine(parsing: arguments)
    try ToolLaunch.become(logins: [line.login], package: "rsync", line.rsync)
  }
}
