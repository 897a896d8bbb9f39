import FleetProtocol

/// What a command line asks for.
enum Invocation: Hashable {
  case run(configuration: String?)
  case status(configuration: String?, asJSON: Bool)
  case keygen(out: String)
  case hostKeys(port: TCPPort)
  case help
  case version

  /// Parses the arguments after the program's name. Throws `usage`.
  init(parsing arguments: [String]) throws(Refusal) {
    guard let command = arguments.first else { throw Self.usage("a command is missing") }
    if arguments.contains("--help") || arguments.contains("-h") || command == "help" {
      self = .help
      return
    }
    var options = try Options(Array(arguments.dropFirst()))
    switch command {
    case "--version": self = .version
    case "run": self = .run(configuration: options.take("--config"))
    case "status": self = .status(configuration: options.take("--config"), asJSON: options.takeFlag("--json"))
    case "keygen":
      guard let out = options.take("--out"), !out.isEmpty else { throw Self.usage("keygen needs --out FILE") }
      self = .keygen(out: out)
    case "host-keys":
      guard let port = options.take("--port").flatMap({ TCPPort(parsing: $0) }) else {
        throw Self.usage("host-keys needs --port and a number from 1 to 65535")
      }
      self = .hostKeys(port: port)
    default: throw Self.usage("there is no command '\(DisplayText.escaped(command, limit: 40))'")
    }
    if let unknown = options.left.first {
      throw Self.usage("'\(command)' does not take '\(DisplayText.escaped(unknown, limit: 40))'")
    }
  }

  private static func usage(_ message: String) -> Refusal { Refusal(.usage, message, hint: "see: fleet-agent --help") }

  /// `--name value` and `--name=value`.
  private struct Options {
    private var values: [String: String] = [:]
    private var flags: Set<String> = []

    init(_ words: [String]) throws(Refusal) {
      var rest = words[...]
      while let word = rest.popFirst() {
        if let equals = word.firstIndex(of: "="), word.hasPrefix("--") {
          values[String(word[..<equals])] = String(word[word.index(after: equals)...])
        } else if ["--config", "--out", "--port"].contains(word) {
          guard let value = rest.popFirst() else { throw Invocation.usage("\(word) needs a value") }
          values[word] = value
        } else {
          flags.insert(word)
        }
      }
    }

    /// What was given and not taken.
    var left: [String] { (Array(values.keys) + flags).sorted() }

    mutating func take(_ name: String) -> String? { values.removeValue(forKey: name) }

    mutating func takeFlag(_ name: String) -> Bool { flags.remove(name) != nil }
  }

  static let manual = """
    fleet-agent keeps this device's tunnel to HostA up.

    usage:
      fleet-agent run [--config FILE]              keep the tunnel up until SIGTERM
      fleet-agent status [--config FILE] [--json]  how the running agent is
      fleet-agent keygen --out FILE                make the device's key if FILE is not there; print its public key
      fleet-agent host-keys --port N               print the host keys of the sshd on 127.0.0.1 port N
      fleet-agent --version
      fleet-agent --help

    FILE of --config is /etc/fleet-agent/agent.json where that exists, else
    ${XDG_CONFIG_HOME:-~/.config}/fleet-agent/agent.json. Where FILE is not there and enroll.json stands in its
    place, run asks HostA to let this box join, and goes on as a device when it has been approved.

    profile in FILE, and what an idle tunnel says in a month at the IP level, both ways:
      normal   a keepalive every 10 s; a silent break is noticed within 12 s       about 57 MB
      metered  a keepalive every 60 s; a silent break is noticed within 62 s       about 10 MB

    exit status:
      run        0 ended by SIGTERM or SIGINT, 1 it could not start (another agent runs, configuration or key unusable)
      status     0 the tunnel is up, 4 it is not, 1 no agent runs, 5 the agent belongs to another user
      keygen     0 done, 1 the file cannot be made or is not an ed25519 key
      host-keys  0 done, 1 no sshd answers there or it shows no key that this program knows
      all        2 the command line is not understood

    """
}
