import ArgumentParser
import FleetProtocol
import Glibc

struct OperatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operator", abstract: "Say who may use this HostA.",
    discussion: """
      Example:
        fleet-server operator add bob --key bob.pub
        fleet-server operator list
        fleet-server operator remove bob

      \(FleetServerCommand.exitStatuses)
      """,
    subcommands: [Add.self, List.self, Remove.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let an operator in.",
      discussion: """
        Examples:
          fleet-server operator add bob --key bob.pub
          fleet-server operator add eve --key eve.pub --role viewer
          fleet-server operator add kim --key kim.pub --role operator \\
            --devices 'tag=site:berlin !tag=old'

        A viewer sees devices and the log; an operator connects to devices, too; \
        an admin provisions, changes and removes them, too. Without --role a new \
        operator is an admin, without --devices let at every device. An admin who \
        is held to some devices brings in and changes only what these words mean, \
        before and after, and has nothing to do with enroll keys.

        The same name with the same key again changes role and devices to what is \
        given, and ends that operator's open sessions; --devices '' means every device.

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: "The operator's name.") var name: String
    @Option(help: ArgumentHelp("The operator's public key, a .pub file.", valueName: "file")) var key: String
    @Option(
      parsing: .unconditionalSingleValue,
      help: ArgumentHelp(
        "The devices that the operator is held to: words as 'fleet list' takes them, but for state=; more of them with "
          + "each --devices. A space in a value is written '?'.", valueName: "selector"))
    var devices: [String] = []
    @Option(help: ArgumentHelp("What the operator may do.", valueName: "admin|operator|viewer")) var role: String?
    @OptionGroup var home: HomeOption

    func run() throws {
      let name = try OperatorName(validatingNew: name)
      let role = try role.map { try OperatorRole(named: $0) }
      let devices = devices.isEmpty ? nil : try DeviceSelector(forOperator: devices)
      let key = try PublicKey(file: key)
      let host = try InitialisedHost(home.home())
      try host.keyFile.refuseForeign(key)
      let addition = try host.keyFile.change(host.registry) { (registry) throws(Refusal) in
        try registry.addOperator(
          name, key: key, role: role, devices: devices, by: .host, now_s: Int64(time(nil)))
      }
      if addition == .changed { OpenConnections.shutOut(.operator(name), home: host.home) }
      let access = try host.registry.access(of: name)
      let what = "\(access.role.rawValue), \(access.devices.shown)"
      switch addition {
      case .added: print("\(name) may use this HostA: \(what)")
      case .changed: print("\(name) may use this HostA differently now: \(what)")
      case .unchanged: print("\(name) may use this HostA already: \(what)")
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the operators: name, role, devices, since when, key.",
      discussion: """
        Example:
          fleet-server operator list

        \(FleetServerCommand.exitStatuses)
        """)

    @OptionGroup var home: HomeOption

    func run() throws {
      let operators = try InitialisedHost(home.home()).registry.operators()
      let rows = operators.map { entry in
        [
          entry.name.rawValue, entry.access.role.rawValue, entry.access.devices.shown,
          "\(Timestamp(seconds: entry.added_s))", "\(entry.key)",
        ]
      }
      let widths = (0..<5).map { column in rows.map { $0[column].unicodeScalars.count }.max() ?? 0 }
      for row in rows {
        let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.unicodeScalars.count) }
        print(cells.dropLast().joined(separator: "  ") + "  \(row[4])")
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shut an operator out.",
      discussion: """
        Sessions that are open are ended, but for those through the machine's own sshd \
        (--sshd system), where no new request is answered. What the operator has \
        queued is forgotten.

        Example:
          fleet-server operator remove bob

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: "The operator's name.") var name: String
    @OptionGroup var home: HomeOption

    func run() throws {
      let name = try OperatorName(validating: name)
      let host = try InitialisedHost(home.home())
      let left = try host.keyFile.change(host.registry) { (registry) throws(Refusal) in
        try registry.removeOperator(name, by: .host, now_s: Int64(time(nil)))
      }
      OpenConnections.shutOut(.operator(name), home: host.home)
      print("\(name) is shut out")
      if left == 0 { StandardError.write("nobody is left who may use this HostA") }
    }
  }
}

extension OperatorRole {
  /// Throws `usage`.
  init(named text: String) throws(Refusal) {
    guard let role = Self(rawValue: text) else {
      throw Refusal(
        .usage, "--role '\(DisplayText.escaped(text, limit: 60))' is not a role",
        hint: "a role is one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = role
  }
}

extension DeviceSelector {
  /// What an operator can be held to, from arguments that may have several words each. Throws `usage`.
  init(forOperator arguments: [String]) throws(Refusal) {
    try self.init(arguments.flatMap { $0.split(separator: " ").map { String($0) } })
    guard !dependsOnState else {
      throw Refusal(
        .usage, "--devices cannot ask for a state, which is another at each moment", hint: "use names, tag= and user=")
    }
  }

  fileprivate var shown: String { isEverything ? "every device" : DisplayText.escaped(description) }
}

/// The parts of a HostA that stands already, for commands that change it.
struct InitialisedHost {
  let home: Home
  let registry: Registry
  let keyFile: KeyFile

  /// Throws `not-initialised`, `home-unusable` and what opening the registry throws.
  init(_ home: Home) throws(Refusal) {
    let home = try HomeFolder.check(home)
    self.home = home
    let settings = try HostSettings.read(home)
    keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    registry = try Registry.open(home)
    keyFile.mend(from: registry)
  }
}
