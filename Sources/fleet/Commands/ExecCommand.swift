import ArgumentParser
import FleetProtocol

struct ExecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command on many devices.",
    usage: """
      fleet exec SELECTOR... [options] -- COMMAND
      fleet exec --all [options] -- COMMAND
      fleet exec --retry-failed [options] [-- COMMAND]
      fleet exec --resume [--wait] [options]
      """,
    discussion: """
      A selector is a name, a pattern such as 'kitchen-*', tag=KEY, tag=KEY:VALUE, state=STATE or user=NAME; '!' before \
      one turns it round. The words of COMMAND are joined by spaces, as ssh does it, and go to the device's shell.

      Each line of output stands behind its device's name, at once; a line of more than 64 KiB becomes several. With \
      --group and --json 1 MiB is kept of what a device writes (with --json, of each stream), and what is cut is said. \
      On a terminal control characters are shown escaped; elsewhere bytes stay as they are. With --json the text of \
      what is not UTF-8 is approximate, and stdout_base64 or stderr_base64 has the bytes.

      Ctrl-C ends all connections and says what came of it; a second one ends at once. What a command has begun may go \
      on on its device then, and after --timeout: ssh cannot end it there.

      With --queue HostA keeps the command for devices that are offline. HostA runs nothing: 'fleet exec --resume' does, \
      on the laptop that queued it, or with --any-laptop on another one with the same operator's key. Each queued command is run at most once on each device, a device's \
      commands in the order in which they were queued. Anybody who can read HostA's files can read it.

      EXAMPLE
        fleet exec 'kitchen-*' tag=site:berlin -- uptime
        fleet exec --all --timeout 30s --json -- df -P / | jq -r .name
        fleet exec --retry-failed
        fleet exec tag=kiosk --queue --expires 2d -- sudo apt-get -y upgrade
        fleet exec --resume --wait

      EXIT STATUS
        0 it was ok on every device, 1 not on every one, 4 it was ok on all that were online, 3 nothing fits the \
      selector; 130 after Ctrl-C, 143 after SIGTERM, 141 when nobody reads the output any more. With --resume \
      devices that are still away do not count.
      """)

  @Argument(help: "Which devices.")
  var selector: [String] = []

  /// What stands behind `--`.
  var command: [String] = []

  @Flag(help: "Every device.")
  var all = false

  @Option(help: ArgumentHelp("How many devices at the same time, 1 to 100.", valueName: "n"))
  var parallel = 32

  @Option(help: ArgumentHelp("How long each device may take, such as 30s or 5m.", valueName: "time"))
  var timeout: String?

  @Option(help: ArgumentHelp("The account to log in as, instead of each device's own.", valueName: "login"))
  var user: String?

  @Flag(help: "Show what a device has written when it is done.")
  var group = false

  @Flag(help: "Print one JSON object a device when it is done.")
  var json = false

  @Flag(help: "Give standard input to the command on each device; otherwise it has none.")
  var stdin = false

  @Flag(help: "The devices on which the last run did not succeed; the same command unless another is given.")
  var retryFailed = false

  @Flag(help: "Have HostA keep the command for devices that are offline.")
  var queue = false

  @Option(help: ArgumentHelp("With --queue: how long it is kept, such as 12h; 7d otherwise.", valueName: "time"))
  var expires: String?

  @Flag(help: "Run the queued commands whose devices are online.")
  var resume = false

  @Flag(help: "With --queue or --resume: stay, and run each when its device comes, until none waits.")
  var wait = false

  @Flag(help: "With --resume: also what another laptop has queued; what that is, HostA alone says.")
  var anyLaptop = false

  func run() throws {
    let request = try ExecRequest(
      ExecRequest.Words(
        selector: selector, command: command, all: all, retryFailed: retryFailed, resume: resume, queue: queue,
        expires: expires, wait: wait, anyLaptop: anyLaptop, stdin: stdin))
    guard (1...100).contains(parallel) else {
      throw Refusal(.usage, "\(parallel) devices at the same time are not possible", hint: "1 to 100")
    }
    guard !(group && json) else {
      throw Refusal(.usage, "--group and --json are different forms", hint: "give one of them")
    }
    let timeout = try timeout.map { Duration.seconds(try Lifetime(parsing: $0).seconds) }
    try ExecSession(
      request: request, form: json ? .json : group ? .grouped : .prefixed, parallel: parallel, timeout: timeout,
      user: try user.map { try LoginName(validating: $0) }, readsInput: stdin, waits: wait, believesHostA: anyLaptop,
      context: LaptopContext()
    ).run()
  }
}
