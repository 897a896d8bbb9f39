import FleetProtocol
import Testing

@testable import fleet

/// Several HostAs of one laptop: which one is meant, and how they come, are renamed and go.
@Suite struct SeveralHostsTests {
  private let other = try! PublicKey(parsing: Sample.otherKeyText)

  private func login(_ text: String) -> LoginTarget { try! LoginTarget(parsing: text) }

  private func two() throws -> Configuration {
    var configuration = Configuration()
    try configuration.add(login("fleet@home.example"), name: nil, identity: nil, hostKeys: [Sample.hostKey])
    try configuration.add(login("fleet@office.example"), name: "office", identity: "/id", hostKeys: [other])
    return configuration
  }

  @Test func theOptionStandsBeforeTheCommandOnly() throws {
    #expect(try GlobalOptions(parsing: ["list"]).host == nil)
    for arguments in [["--host", "office", "ssh", "-v", "pi"], ["--host=office", "ssh", "-v", "pi"]] {
      let options = try GlobalOptions(parsing: arguments)
      #expect(options.host == "office" && options.command == ["ssh", "-v", "pi"])
    }
    let inventory = try GlobalOptions(parsing: ["inventory", "--host", "kitchen-pi"])
    #expect(inventory.host == nil && inventory.command.count == 3)
  }

  @Test(arguments: [
    ["--host"], ["--host="], ["--host", "--json", "list"], ["--host", "a", "--host", "b", "list"], ["--host", "a"],
    ["--host", "a", "login", "fleet@x"], ["--host", "a", "hosts"],
  ])
  func aHostThatIsNotNamedProperlyIsUsage(_ arguments: [String]) {
    let refusal = #expect(throws: Refusal.self) { try GlobalOptions(parsing: arguments) }
    #expect(refusal?.code == .usage)
  }

  @Test func anUnknownNameTellsTheKnownOnes() throws {
    let configuration = try two()
    #expect(try configuration.host(named: nil).name == "office")
    #expect(try configuration.host(named: "home.example").address == "home.example")
    let refusal = #expect(throws: Refusal.self) { try configuration.host(named: "offce\u{1B}") }
    #expect(refusal?.code == .noSuchHost && refusal?.hint?.contains("home.example, office") == true)
    #expect(refusal?.message.contains("\u{1B}") == false)
  }

  @Test func aSecondLoginReplacesAndAnotherHostIsAdded() throws {
    var configuration = Configuration()
    let plain = login("fleet@hosta.example")
    try configuration.add(plain, name: nil, identity: nil, hostKeys: [Sample.hostKey])
    let again = try configuration.add(plain, name: nil, identity: "/id", hostKeys: [other])
    #expect(again.hostKeys == [other] && again.identity == "/id" && configuration.hosts.count == 1)
    let second = try configuration.add(
      login("fleet@hosta.example:22"), name: nil, identity: nil, hostKeys: [other])
    #expect(second.name == "hosta.example-fleet-22")
    #expect(try configuration.host(named: nil) == second)
    // The way out of a changed key does not change which HostA is meant.
    try configuration.add(plain, name: nil, identity: nil, hostKeys: [Sample.hostKey])
    #expect(try configuration.host(named: nil) == second)
    configuration.note(operatorName: try OperatorName(validating: "anna"), of: second)
    #expect(try Configuration(parsing: configuration.text.utf8) == configuration)
    #expect(try configuration.host(named: nil).operatorName?.rawValue == "anna")
  }

  @Test func aNameMeansOneHost() throws {
    var configuration = try two()
    let strange = #expect(throws: Refusal.self) {
      try configuration.add(login("fleet@new.example"), name: "office", identity: nil, hostKeys: [Sample.hostKey])
    }
    #expect(strange?.code == .nameTaken && strange?.message.contains("fleet@office.example:2222") == true)
    let twice = #expect(throws: Refusal.self) {
      try configuration.add(login("fleet@office.example"), name: "work", identity: nil, hostKeys: [other])
    }
    #expect(twice?.code == .nameTaken && twice?.hint?.contains("fleet hosts rename office work") == true)
    // The same key at another address: it has moved, and keeps what is known of its devices.
    try configuration.add(login("fleet@new.example"), name: "office", identity: nil, hostKeys: [other])
    #expect(configuration.hosts.count == 2)
    #expect(try configuration.host(named: "office").address == "new.example")
    for name in ["", "-x", "a/b", "..", "a b"] {
      let refusal = #expect(throws: Refusal.self) { try configuration.rename("office", to: name) }
      #expect(refusal?.code == .usage)
    }
  }

  @Test func renamedAndForgotten() throws {
    var configuration = try two()
    try configuration.rename("office", to: "work")
    #expect(try configuration.host(named: nil).name == "work" && configuration.pins.contains("fleet-host-work "))
    #expect(throws: Refusal.self) { try configuration.rename("work", to: "home.example") }
    try configuration.makeDefault("home.example")
    try configuration.makeDefault("work")
    try configuration.forget("work")
    #expect(configuration.defaultHost == "home.example" && configuration.hosts.count == 1)
    try configuration.forget("home.example")
    #expect(configuration == Configuration())
  }

  @Test func theTableMarksTheDefault() throws {
    var configuration = try two()
    configuration.note(
      operatorName: try OperatorName(validating: "anna"), of: try configuration.host(named: "office"))
    let text = HostTable.text(configuration, style: TerminalStyle(hasColor: false))
    #expect(
      text == """
        NAME          DEFAULT  ADDRESS                    OPERATOR  IDENTITY
        home.example  -        fleet@home.example:2222    -         ssh chooses
        office        yes      fleet@office.example:2222  anna      /id

        """)
    #expect(HostTable.text(configuration, style: TerminalStyle(hasColor: true)).contains("\u{1B}[32moffice"))
    let object = try JSONObject(parsingBody: HostTable.json(configuration).utf8)
    #expect(try object.string("default") == "office")
  }
}
