import ArgumentParser
import FleetProtocol
import Glibc

struct OperatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operator", abstract: "Say who may use this HostA.", discussion: FleetServerCommand.exitStatuses,
    subcommands: [Add.self, List.self, Remove.self])

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let an operator in.",
      discussion: """
        Example:
          fleet-server operator add bob --key bob.pub

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: "The operator's name.") var name: String
    @Option(help: ArgumentHelp("The operator's public key, a .pub file.", valueName: "file")) var key: String
    @OptionGroup var home: HomeOption

    func run() throws {
      let name = try OperatorName(validatingNew: name)
      let key = try PublicKey(file: key)
      let host = try InitialisedHost(home.home())
      try host.keyFile.refuseForeign(key)
      let isNew = try host.registry.addOperator(name, key: key, by: .host, now_s: Int64(time(nil)))
      try host.keyFile.update(from: host.registry)
      print(isNew ? "\(name) may use this HostA" : "\(name) may use this HostA already")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the operators: name, since when, key.", discussion: FleetServerCommand.exitStatuses)

    @OptionGroup var home: HomeOption

    func run() throws {
      let operators = try InitialisedHost(home.home()).registry.operators()
      let width = operators.map(\.name.rawValue.utf8.count).max() ?? 0
      for entry in operators {
        let padding = String(repeating: " ", count: width - entry.name.rawValue.utf8.count)
        print("\(entry.name)\(padding)  \(Timestamp(seconds: entry.added_s))  \(entry.key)")
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shut an operator out.",
      discussion: """
        Sessions that are open go on; no new request is answered.

        \(FleetServerCommand.exitStatuses)
        """)

    @Argument(help: "The operator's name.") var name: String
    @OptionGroup var home: HomeOption

    func run() throws {
      let name = try OperatorName(validating: name)
      let host = try InitialisedHost(home.home())
      let left = try host.registry.removeOperator(name, by: .host, now_s: Int64(time(nil)))
      try host.keyFile.update(from: host.registry)
      print("\(name) is shut out")
      if left == 0 { StandardError.write("nobody is left who may use this HostA") }
    }
  }
}

/// The parts of a HostA that stands already, for commands that change it.
struct InitialisedHost {
  let registry: Registry
  let keyFile: KeyFile

  /// Throws `not-initialised`, `home-unusable` and what opening the registry throws.
  init(_ home: Home) throws(Refusal) {
    let home = try HomeFolder.check(home)
    let settings = try HostSettings.read(home)
    keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    registry = try Registry.open(home)
  }
}
