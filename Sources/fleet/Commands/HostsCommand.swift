import ArgumentParser
import FleetProtocol

struct HostsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hosts", abstract: "Show the HostAs of this laptop, and say which one is meant by default.",
    discussion: """
      Each 'fleet login' adds one. Every command talks to the default, unless --host stands before it or the variable \
      FLEET_HOST is set.

      EXAMPLE
        fleet login --name office fleet@hosta.office.example
        fleet hosts
        fleet --host office list
        fleet hosts default office
      """,
    subcommands: [List.self, Default.self, Rename.self, Forget.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show the HostAs of this laptop.",
      discussion: """
        EXAMPLE
          fleet hosts
          fleet hosts list --json
        """)

    @Flag(help: "Print one JSON object: {\"v\":1,\"default\":...,\"hosts\":[...]}.")
    var json = false

    func run() throws {
      let configuration = try LaptopEnvironment.configuration(LaptopEnvironment.paths())
      if json { return try StandardStreams.print(HostTable.json(configuration)) }
      _ = try configuration.host(named: nil)
      let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
      try StandardStreams.print(HostTable.text(configuration, style: style))
    }
  }

  struct Default: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "default", abstract: "Say which HostA is meant when none is named.",
      usage: "fleet hosts default NAME",
      discussion: """
        EXAMPLE
          fleet hosts default office
        """)

    @Argument(help: "The name of a HostA.")
    var name: String?

    func run() throws {
      guard let name else { throw Refusal(.usage, "which HostA?", hint: Self.configuration.usage) }
      try KnownHostAs.change { (configuration) throws(Refusal) in try configuration.makeDefault(name) }
      StandardStreams.note("\(name) is meant from now on where none is named")
    }
  }

  struct Rename: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "rename", abstract: "Give a HostA another name on this laptop.",
      usage: "fleet hosts rename NAME NEW",
      discussion: """
        EXAMPLE
          fleet hosts rename hosta.office.example office
        """)

    @Argument(help: "The name of a HostA.")
    var name: String?

    @Argument(help: "The name that it gets.")
    var new: String?

    func run() throws {
      guard let name, let new else { throw Refusal(.usage, "which names?", hint: Self.configuration.usage) }
      try KnownHostAs.change { (configuration) throws(Refusal) in try configuration.rename(name, to: new) }
      StandardStreams.note("\(name) is \(new) from now on")
    }
  }

  struct Forget: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "forget", abstract: "Take a HostA off this laptop, with all that was kept of it.",
      usage: "fleet hosts forget NAME",
      discussion: """
        Its pinned keys, those of its devices and its last known list go. HostA itself is not asked and keeps this \
        laptop's key: 'fleet-server operator remove' there takes that away.

        EXAMPLE
          fleet hosts forget office
        """)

    @Argument(help: "The name of a HostA.")
    var name: String?

    func run() throws {
      guard let name else { throw Refusal(.usage, "which HostA?", hint: Self.configuration.usage) }
      let configuration = try KnownHostAs.change { (configuration) throws(Refusal) in
        try configuration.forget(name)
      }
      let next = configuration.defaultHost.map { "\($0) is meant where none is named" } ?? "this laptop knows no other"
      StandardStreams.note("forgot \(name); \(next)")
    }
  }
}
