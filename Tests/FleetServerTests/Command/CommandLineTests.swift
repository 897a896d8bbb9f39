import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// The built program as a person types it.
@Suite struct CommandLineTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
  }

  private static let hostile = [
    "-oProxyCommand=x", "a;b", "../x", "", String(repeating: "a", count: 10_000), "a\nb", "a\u{202E}b", "Alice", "a b",
    "$(id)", "-", "add", "list", "remove",
  ]

  @Test func initMakesAllOfItOnceAndSaysWhatIsNext() throws {
    try server.initialise()
    let mode = try FileManager.default.attributesOfItem(atPath: server.home)[.posixPermissions] as? Int
    #expect(mode == 0o700)
    let before = try FileManager.default.contentsOfDirectory(atPath: server.home).sorted()
    #expect(
      Set(before).isSuperset(of: [
        "fleet-server.json", "sshd_config", "ssh_host_ed25519_key", "ssh_host_ed25519_key.pub", "authorized_keys",
        "registry.db", "sessions",
      ]))
    let key = try Data(contentsOf: URL(fileURLWithPath: server.home + "/ssh_host_ed25519_key"))
    let again = try server.run([
      "init", "--address", "h", "--operator", "eve", "--operator-key", server.home + ".alice.pub",
    ])
    #expect(again.status == 1 && again.errors.contains("holds a HostA already") && again.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: server.home).sorted() == before)
    #expect(try Data(contentsOf: URL(fileURLWithPath: server.home + "/ssh_host_ed25519_key")) == key)
    #expect(try server.run(["operator", "list"]).output.contains("alice"))
  }

  @Test func aBrokenOffInitGoesOn() throws {
    try server.initialise()
    let key = try Data(contentsOf: URL(fileURLWithPath: server.home + "/ssh_host_ed25519_key"))
    try FileManager.default.removeItem(atPath: server.home + "/fleet-server.json")
    try server.initialise()
    #expect(try Data(contentsOf: URL(fileURLWithPath: server.home + "/ssh_host_ed25519_key")) == key)
  }

  @Test func initPrintsTheLoginLine() throws {
    let keyFile = folder.path + "/k.pub"
    try "\(sampleKey(1))".write(toFile: keyFile, atomically: true, encoding: .utf8)
    let result = try server.run([
      "init", "--address", "hosta.example", "--operator", "alice", "--operator-key", keyFile,
    ])
    let account = try Account.current().name
    #expect(result.output.contains("    fleet login \(account)@hosta.example:2222 --host-key SHA256:"))
    #expect(result.output.contains("    fleet-server run\n"))
  }

  @Test(arguments: [
    ["--ports", "20000-40000"], ["--ports", "80-90"], ["--ports", "x"], ["--listen", "2222"], ["--address", "-oX"],
    ["--address", "a b"], ["--sshd", "other"], ["--bogus"],
  ])
  func badOptionsOfInitLeaveNothing(_ options: [String]) throws {
    let keyFile = folder.path + "/k.pub"
    try "\(sampleKey(1))".write(toFile: keyFile, atomically: true, encoding: .utf8)
    var arguments = ["init", "--operator", "alice", "--operator-key", keyFile]
    if options.first != "--address" { arguments += ["--address", "h"] }
    let result = try server.run(arguments + options)
    #expect(result.status == 2 && result.output.isEmpty && !result.errors.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: server.home))
  }

  @Test(arguments: hostile) func hostileOperatorNames(_ name: String) throws {
    let keyFile = folder.path + "/k.pub"
    try "\(sampleKey(1))".write(toFile: keyFile, atomically: true, encoding: .utf8)
    let result = try server.run(["init", "--address", "h", "--operator=\(name)", "--operator-key", keyFile])
    #expect(result.status == 2 && result.output.isEmpty)
    #expect(result.errors.split(separator: "\n").first?.utf8.count ?? 0 < 200)
    #expect(!FileManager.default.fileExists(atPath: server.home))
  }

  @Test(arguments: hostile.filter { !["add", "list", "remove"].contains($0) }) func hostileDeviceNames(_ name: String)
    throws
  {
    try server.initialise()
    let before = try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8)
    for verb in ["provision", "enroll", "connect", "show"] {
      let result = try server.request("\(verb) \(name)", body: try sampleBody(5).line + "\n")
      // "a b" reads as a request with one word too many.
      #expect(result.status == (name == "a b" ? 5 : 2), "\(verb): \(result.output)")
      #expect(result.output.split(separator: "\n").count == 1)
    }
    #expect(try Registry.open(Home(path: server.home)).devices().isEmpty)
    #expect(try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8) == before)
  }

  @Test func operatorsComeAndGo() throws {
    try server.initialise()
    let keyFile = folder.path + "/bob.pub"
    try "\(sampleKey(2)) bob".write(toFile: keyFile, atomically: true, encoding: .utf8)
    #expect(try server.run(["operator", "add", "bob", "--key", keyFile]).status == 0)
    #expect(try server.run(["operator", "add", "bob", "--key", keyFile]).status == 0)
    #expect(try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8).contains("operator bob"))
    #expect(try server.request("version", by: "bob").status == 0)
    #expect(try server.run(["operator", "remove", "bob"]).status == 0)
    #expect(try !String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8).contains("bob"))
    #expect(try server.request("version", by: "bob").status == 5)
    #expect(try server.run(["operator", "remove", "bob"]).errors.contains("there is no operator bob"))
    let last = try server.run(["operator", "remove", "alice"])
    #expect(last.status == 0 && last.errors.contains("nobody is left"))
  }

  @Test func withoutInitThereIsOneSentence() throws {
    for arguments in [["run"], ["operator", "list"]] {
      let result = try server.run(arguments)
      #expect(result.status == 1 && result.errors.contains("fleet-server init"))
    }
  }

  @Test(arguments: [
    ["--help"], ["init", "--help"], ["run", "--help"], ["operator", "--help"], ["operator", "add", "--help"],
    ["print-sshd-config", "--help"],
  ])
  func everyHelpTellsTheExitStatuses(_ arguments: [String]) throws {
    let result = try server.run(arguments)
    #expect(result.status == 0 && result.output.contains("Exit status:") && result.errors.isEmpty)
  }

  @Test(arguments: [["bogus"], ["run", "--bogus"], ["device", "x", "1"], ["operator", "../x"]]) func usage(
    _ arguments: [String]
  ) throws {
    let result = try server.run(arguments)
    #expect(result.status == 2 && result.output.isEmpty && result.errors.hasPrefix("fleet-server: "))
  }
}
