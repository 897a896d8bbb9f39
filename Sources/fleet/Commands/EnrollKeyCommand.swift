import ArgumentParser
import FleetProtocol

struct EnrollKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enroll-key", abstract: "One image for many boxes: keys with which boxes join by themselves.",
    discussion: """
      Each box that is started from such an image makes a key of its own and asks HostA to become a device. It waits \
      until somebody approves it, unless the key was made with --auto-approve. The enroll key can do nothing else.

      EXAMPLE
        fleet enroll-key create --uses 200 --expires 7d --name 'kiosk-{serial}' --user pi --image /media/me/bootfs
        fleet enroll-key list
        fleet enroll-key remove 5f0c2a91
      """,
    subcommands: [Create.self, List.self, Remove.self])

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "create", abstract: "Make an enroll key, and the bundle or the image that carries it.",
      usage: "fleet enroll-key create --uses N --expires TIME --name PATTERN (--bundle FILE.tar | --image MOUNTPOINT)",
      discussion: """
        EXAMPLE
          fleet enroll-key create --uses 200 --expires 7d --name 'kiosk-{serial}' --user pi --bundle kiosks.tar
        """)

    @Option(help: ArgumentHelp("How many boxes may join with it.", valueName: "n"))
    var uses: Int64

    @Option(help: ArgumentHelp("How long boxes may join with it, such as 12h, 7d or 2w.", valueName: "time"))
    var expires: String

    @Option(
      help: ArgumentHelp(
        "How the boxes are called: a-z, 0-9 and '-' around {serial}, {mac} or {hostname}.", valueName: "pattern"))
    var name: String

    @Option(
      help: ArgumentHelp("The account that 'fleet ssh' logs in as; by default your own name.", valueName: "login"))
    var user: String?

    @Option(help: ArgumentHelp("A tag that the boxes get; repeatable.", valueName: "key=value"))
    var tag: [String] = []

    @Option(help: ArgumentHelp("How much an idle tunnel may say: normal or metered.", valueName: "profile"))
    var profile = TrafficProfile.normal.rawValue

    @Flag(help: "Boxes get their port at once, without 'fleet approve'.")
    var autoApprove = false

    @OptionGroup var carried: CarriedOptions

    func run() throws {
      guard (1...Limits.enrollKeyUses).contains(uses) else {
        throw Refusal(.usage, "\(uses) boxes cannot join", hint: "1 to \(Limits.enrollKeyUses)")
      }
      guard let profile = TrafficProfile(rawValue: profile) else {
        throw Refusal(
          .usage, "there is no profile '\(DisplayText.escaped(profile, limit: 40))'",
          hint: TrafficProfile.allCases.map(\.rawValue).joined(separator: " or "))
      }
      let pattern = try NamePattern(validating: name)
      let lifetime = try Lifetime(parsing: expires)
      let tags = try Tag.all(tag)
      let user = try CarriedOptions.login(user)
      let port = try carried.port()
      let files = try DeviceFiles.find()
      let place = try carried.place(files)
      try EnrollKeyCreation(
        place: place, pattern: pattern, user: user, tags: tags, uses: uses, lifetime: lifetime,
        autoApprove: autoApprove, profile: profile, sshdPort: port, agent: carried.agent,
        hostA: LaptopContext().hostA, files: files
      ).run()
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show the enroll keys, and how many boxes have joined with each.",
      discussion: """
        EXAMPLE
          fleet enroll-key list
        """)

    @Flag(help: "Print one JSON object: {\"v\":1,\"enroll_keys\":[...]}.")
    var json = false

    func run() throws {
      let keys = try LaptopContext().hostA.enrollKeys()
      if json {
        try StandardStreams.print(EnrollKeyTable.json(keys))
      } else if keys.isEmpty {
        StandardStreams.note("there is no enroll key; make one with 'fleet enroll-key create'")
      } else {
        let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
        try StandardStreams.print(EnrollKeyTable.text(keys, now: LaptopEnvironment.now, style: style))
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "remove", abstract: "Take an enroll key back: no box joins with it any more.",
      usage: "fleet enroll-key remove ID",
      discussion: """
        EXAMPLE
          fleet enroll-key remove 5f0c2a91
        """)

    @Argument(help: "As 'fleet enroll-key list' shows it.")
    var id: String

    func run() throws {
      let id = try EnrollKeyID(validating: id)
      try LaptopContext().hostA.removeEnrollKey(id)
      StandardStreams.note("the enroll key \(id) is gone; boxes that joined with it stay")
    }
  }
}
