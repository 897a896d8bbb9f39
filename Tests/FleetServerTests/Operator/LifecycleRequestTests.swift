import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// The built program as sshd runs it for an operator who changes a device.
@Suite struct LifecycleRequestTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer
  private var home: Home { Home(path: server.home) }

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
  }

  private func ok(_ command: String, body: String = "") throws -> JSONObject {
    let result = try server.request(command, body: body)
    guard case .ok(let fields) = try result.reply() else { return try #require(nil, "\(command): \(result.output)") }
    return fields
  }

  private func code(_ command: String, body: String = "") throws -> Refusal.Code? {
    if case .refused(let refusal) = try server.request(command, body: body).reply() { return refusal.code }
    return nil
  }

  private func provision(_ name: String, _ number: Int, expires_s: Int64? = nil) throws -> ProvisionReply {
    var body = try sampleBody(number)
    body.expires_s = expires_s
    return try ProvisionReply(try ok("provision \(name)", body: body.line + "\n"))
  }

  private func keyFile() throws -> String { try String(contentsOfFile: home.authorizedKeys, encoding: .utf8) }

  /// A recorded session whose sshd has long gone.
  private func leaveSession(of device: DeviceID, claimed_s: Int64 = 1) throws {
    let record = SessionRecord(
      sshd: ProcessIdentity(pid: 1, startTime: 0, bootID: "gone"),
      connection: try #require(SSHConnection(parsing: "203.0.113.9 5 198.51.100.1 2222")), claimed_s: claimed_s,
      claim: ClaimBody(agentVersion: "1", bootID: "d", keepalive_s: 10, facts: [:], hostKeys: []))
    try SessionFile.write(record, device: device, home: home)
  }

  @Test func aRenamedDeviceIsFoundUnderItsNewName() throws {
    _ = try provision("kitchen-pi", 10)
    let before = try keyFile()
    #expect(try ok("rename kitchen-pi hall-pi").flag("changed"))
    #expect(try !ok("rename hall-pi hall-pi").flag("changed"))
    #expect(try code("show kitchen-pi") == .noSuchDevice)
    #expect(try ShowReply(try ok("show hall-pi")).device.name.rawValue == "hall-pi")
    #expect(try keyFile() == before, "the tunnel is not touched")
    #expect(try code("rename nobody x") == .noSuchDevice)
    #expect(try code("rename hall-pi ../x") == .nameInvalid)
  }

  @Test func tagsAreChecked() throws {
    _ = try provision("kitchen-pi", 10)
    let fields = try ok("tag kitchen-pi", body: TagBody(set: ["site": "berlin"], remove: ["x"]).line + "\n")
    #expect(try fields.stringMap("tags", count: 9, limit: 99) == ["site": "berlin"])
    for body in [#"{"v":1,"set":{"A b":"x"}}"#, #"{"v":1,"set":{"a":"x\u0007"}}"#, "{}", ""] {
      #expect(try code("tag kitchen-pi", body: body + "\n") == .requestMalformed, "\(body)")
    }
    #expect(try ShowReply(try ok("show kitchen-pi")).device.tags == ["site": "berlin"])
  }

  @Test func aReplacedDevicesSessionIsForgottenAndANewOneIsNot() throws {
    let lease = try provision("kitchen-pi", 10)
    try leaveSession(of: lease.device)
    let body = try sampleBody(11).line + "\n"
    let reply = try ProvisionReply(try ok("replace kitchen-pi", body: body))
    #expect(reply.device == lease.device && reply.port == lease.port && reply.created)
    #expect(SessionFile.read(lease.device, home: home) == nil)
    let text = try keyFile()
    #expect(try text.contains(sampleKey(11).base64) && !text.contains(sampleKey(10).base64))

    // The new hardware came, and then the same request comes again.
    try leaveSession(of: lease.device, claimed_s: Int64(time(nil)) + 100)
    #expect(try !ProvisionReply(try ok("replace kitchen-pi", body: body)).created)
    #expect(SessionFile.read(lease.device, home: home) != nil)
    #expect(try code("replace kitchen-pj", body: body) == .noSuchDevice)
    #expect(try code("replace kitchen-pi", body: try sampleBody(1).line + "\n") == .keyTaken, "alice's own key")
  }

  @Test func aRemovedDeviceIsInNoFile() throws {
    let lease = try provision("kitchen-pi", 10)
    try leaveSession(of: lease.device)
    let reply = try RemoveReply(try ok("remove kitchen-pi"))
    #expect(reply.port == lease.port && !reply.ended)
    #expect(try !keyFile().contains("\(lease.device)"))
    #expect(SessionFile.read(lease.device, home: home) == nil)
    #expect(try code("remove kitchen-pi") == .noSuchDevice)
    #expect(try provision("attic-pi", 11).port != lease.port, "the old agent may still knock")
  }

  @Test func aDeviceThatIsToReplaceItsKeyHasItInItsLine() throws {
    let lease = try provision("kitchen-pi", 10)
    #expect(try !ok("rekey kitchen-pi").flag("ended"))
    #expect(try keyFile().contains("device \(lease.device) \(lease.port) replace\""))
    #expect(try code("rekey kitchen-pj") == .noSuchDevice)
  }

  @Test func whatIsOverIsInNoListAndWhatWasSeenStays() throws {
    let dead = try provision("dead-pi", 10, expires_s: 1)
    let seen = try provision("seen-pi", 11, expires_s: 1)
    let later = try provision("later-pi", 12, expires_s: 86_400)
    try leaveSession(of: seen.device)
    #expect(try keyFile().contains("expiry-time"))
    #expect(try ShowReply(try ok("show later-pi")).device.expires != nil)
    try eventually("the device expires") { try server.request("list").output.contains(#""count":2"#) }
    let text = try keyFile()
    #expect(!text.contains("\(dead.device)") && text.contains("\(seen.device)"))
    for line in text.split(separator: "\n").dropFirst() {
      #expect(line.contains("expiry-time") == line.contains("fleet:\(later.device)"), "\(line)")
    }
    #expect(try ShowReply(try ok("show seen-pi")).device.expires == nil)
    let resting = try Registry.open(home).read { try Int64.fetchOne($0, sql: "SELECT COUNT(*) FROM quarantine") }
    #expect(resting == 0, "nobody ever listened there")
  }

  @Test func anOrdinaryDeviceAsksForNoneOfIt() throws {
    let identity = ["device", DeviceID(random: 1).rawValue, "20000"]
    for command in ["remove x", "rename x y", "tag x", "replace x", "rekey x"] {
      let result = try server.run(identity, environment: ["SSH_ORIGINAL_COMMAND": command], input: "{}\n")
      #expect(result.status == 5 && result.output.contains("request-refused"), "\(command)")
    }
    let rotate = try server.run(
      identity, environment: ["SSH_ORIGINAL_COMMAND": "rotate-key"],
      input: RotateKeyBody(key: try sampleKey(9)).line + "\n")
    #expect(rotate.status == 5, "only through sshd")
  }
}
