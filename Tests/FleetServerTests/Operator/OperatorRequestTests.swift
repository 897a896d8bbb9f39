import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// The built program as sshd runs it for an operator.
@Suite struct OperatorRequestTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
  }

  private func code(_ result: SpawnedProcess.Result) throws -> Refusal.Code? {
    if case .refused(let refusal) = try result.reply() { return refusal.code }
    return nil
  }

  private func provision(_ name: String, _ number: Int) throws -> SpawnedProcess.Result {
    try server.request("provision \(name)", body: try sampleBody(number).line + "\n")
  }

  @Test func whatIsProvisionedIsListedAndShown() throws {
    guard case .ok(let fields) = try provision("kitchen-pi", 10).reply() else { return try #require(Bool(false)) }
    let reply = try ProvisionReply(fields)
    let port = try #require(TCPPort(2222))
    #expect(reply.created && reply.host.endpoints == [.init(address: "127.0.0.1", port: port)])
    #expect(reply.host.hostKeys.count == 1)
    let lines = try server.request("list").output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].contains(#""count":1"#))
    guard case .object(let object) = try JSON(parsing: String(lines[1])) else { return try #require(Bool(false)) }
    let status = try DeviceStatus(object)
    #expect(
      status.name.rawValue == "kitchen-pi" && status.state == .offline && status.lastSeen == nil && !status.enrolled)
    #expect(try server.request("show kitchen-pi").status == 0)
    #expect(try server.request("fleet-server show kitchen-pi").status == 0)
    #expect(try code(server.request("show kitchn-pi")) == .noSuchDevice)
  }

  @Test func theSameKeyAgainIsTheSameLease() throws {
    guard case .ok(let first) = try provision("a", 10).reply(), case .ok(let second) = try provision("a", 10).reply()
    else {
      return try #require(Bool(false))
    }
    #expect(try ProvisionReply(first).port == (try ProvisionReply(second).port))
    #expect(try !ProvisionReply(second).created)
    #expect(try code(provision("b", 10)) == .keyTaken)
    #expect(try code(provision("a", 11)) == .nameTaken)
    #expect(try code(provision("c", 1)) == .keyTaken, "alice's own key")
  }

  @Test(arguments: ["", "{", "[]", #"{"v":2}"#, #"{"v":1,"key":"ssh-ed25519 AAAA","user":"pi"}"#])
  func aBodyThatIsNotUnderstoodChangesNothing(_ body: String) throws {
    let result = try server.request("provision kitchen-pi", body: body + "\n")
    #expect(try result.status == 2 && code(result) == .requestMalformed)
    #expect(try Registry.open(Home(path: server.home)).devices().isEmpty)
  }

  @Test func connectTellsWhyItDoesNot() throws {
    _ = try provision("kitchen-pi", 10)
    let never = try server.request("connect kitchen-pi")
    #expect(try never.status == 4 && code(never) == .deviceOffline && never.output.contains("was never seen"))
    let unknown = try server.request("connect kitchen-pj")
    #expect(unknown.status == 3 && unknown.output.contains("did you mean kitchen-pi?"))
  }

  @Test func onlyOperatorsAndOnlyTheirRequests() throws {
    #expect(try code(server.request("list", by: "mallory")) == .denied)
    #expect(try code(server.run(["operator", "alice"])) == .requestRefused, "no shell")
    for command in ["claim", "report", "sh", "list x", "connect", "provision a b"] {
      let result = try server.request(command)
      #expect(try result.status == 5 && code(result) == .requestRefused, "\(command)")
    }
    for command in ["list; id", "$(id)", "", " ", "list ", String(repeating: "x", count: 5000)] {
      #expect(try code(server.request(command)) == .requestMalformed)
    }
  }

  @Test func aDeviceMayClaimOnlyThroughSSHD() throws {
    let identity = ["device", DeviceID(random: 1).rawValue, "20000"]
    #expect(try server.run(identity).status == 5)
    for command in ["list", "connect x", "sh"] {
      #expect(try server.run(identity, environment: ["SSH_ORIGINAL_COMMAND": command]).status == 5)
    }
    #expect(try server.run(identity, environment: ["SSH_ORIGINAL_COMMAND": "claim"], input: "x\n").status == 2)
  }

  @Test func theLanguageOfTheClientChangesNothing() throws {
    let result = try server.run(
      ["operator", "alice"],
      environment: [
        "SSH_ORIGINAL_COMMAND": "version", "LANG": "../../x", "LC_ALL": "\u{1B}[2J",
        "LC_TIME": String(repeating: "A", count: 9999),
      ])
    #expect(
      result.status == 0
        && result.output == #"{"v":1,"ok":true,"version":"\#(FleetVersion.current)","operator":"alice","#
          + #""role":"admin","devices":[]}"# + "\n"
    )
  }

  @Test func aHundredAtOnceGetAHundredPorts() throws {
    let running = try (0..<100).map { number in
      try server.start(
        ["operator", "alice"], environment: ["SSH_ORIGINAL_COMMAND": "provision box-\(number)"],
        input: try sampleBody(1000 + number).line + "\n")
    }
    var ports: Set<TCPPort> = []
    for result in running.map({ $0.result() }) {
      guard case .ok(let fields) = try result.reply() else {
        Issue.record("\(result.output)")
        continue
      }
      let reply = try ProvisionReply(fields)
      #expect(reply.created)
      ports.insert(reply.port)
    }
    #expect(ports.count == 100)
    let devices = try Registry.open(Home(path: server.home)).devices()
    #expect(Set(devices.map(\.port)) == ports)
    let keyFile = try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8)
    for device in devices { #expect(keyFile.contains("fleet:\(device.id)\n")) }
    #expect(KeyFileText.deviceCount(in: keyFile.utf8) == 100)
  }

  @Test func theSameKeyAtOnceIsOneLease() throws {
    let running = try (0..<20).map { _ in
      try server.start(
        ["operator", "alice"], environment: ["SSH_ORIGINAL_COMMAND": "provision twin"],
        input: try sampleBody(2000).line + "\n")
    }
    var ports: Set<TCPPort> = []
    var created = 0
    for result in running.map({ $0.result() }) {
      guard case .ok(let fields) = try result.reply() else { return try #require(Bool(false), "\(result.output)") }
      let reply = try ProvisionReply(fields)
      ports.insert(reply.port)
      if reply.created { created += 1 }
    }
    #expect(ports.count == 1 && created == 1)
  }

  @Test func aKilledWriterLeavesNothingThatTheNextDoesNotMend() throws {
    var generator = SystemRandomNumberGenerator()
    for number in 0..<15 {
      let running = try server.start(
        ["operator", "alice"], environment: ["SSH_ORIGINAL_COMMAND": "provision k-\(number)"],
        input: try sampleBody(3000 + number).line + "\n")
      usleep(UInt32.random(in: 0...25_000, using: &generator))
      running.signal(SIGKILL)
      _ = running.result()
      guard case .ok(let fields) = try provision("k-\(number)", 3000 + number).reply() else {
        return try #require(Bool(false))
      }
      let port = try ProvisionReply(fields).port
      #expect(
        try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8).contains("127.0.0.1:\(port)"))
    }
    #expect(try Set(Registry.open(Home(path: server.home)).devices().map(\.port)).count == 15)
  }
}
