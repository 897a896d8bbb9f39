import FleetProtocol
import Testing

@Suite struct MessageTests {
  let key: PublicKey
  let host: HostAddress

  init() throws {
    key = try PublicKey(parsing: KeyAndTimeTests.key)
    host = HostAddress(
      account: try LoginName(validating: "fleet"),
      endpoints: [
        .init(address: "hosta.example", port: TCPPort(2222)!), .init(address: "2001:db8::1", port: TCPPort(443)!),
      ],
      hostKeys: [key])
  }

  @Test func aClaimIsReadAsItIsWritten() throws {
    let body = ClaimBody(
      agentVersion: "1", bootID: "b", keepalive_s: 10, facts: ["os": "x\u{1B}"], hostKeys: [key])
    #expect(try ClaimBody(parsing: body.line.utf8) == body)
    let newer = body.line.replacing(#""profile":"normal""#, with: #""profile":"satellite""#)
    #expect(try ClaimBody(parsing: newer.utf8).profile == .normal)
    let reply = ClaimReply(port: TCPPort(20007)!, reconnectWindow_s: 5, tookOver: true)
    #expect(try ClaimReply(reply.fields) == reply)
    for report in [ReportBody(sshd: .down), ReportBody(sshd: .up, hostKeys: [key])] {
      #expect(try ReportBody(parsing: report.line.utf8) == report)
    }
  }

  @Test(arguments: [
    "{}", "[]", "{\"v\":2,\"sshd\":\"up\"}", "{\"v\":1}", "{\"v\":1,\"sshd\":\"sideways\"}", "{\"v\":1,\"sshd\":1}",
    "{\"v\":1,\"sshd\":\"up\",\"host_keys\":[\"no key\"]}",
  ])
  func aReportThatIsNotOneIsRefused(_ line: String) {
    #expect(throws: JSONError.self) { try ReportBody(parsing: line.utf8) }
  }

  @Test func tooManyFactsAreRefused() {
    let facts = Dictionary(uniqueKeysWithValues: (0..<17).map { ("f\($0)", "x") })
    let body = ClaimBody(agentVersion: "1", bootID: "b", keepalive_s: 10, facts: facts, hostKeys: [])
    #expect(throws: JSONError.self) { try ClaimBody(parsing: body.line.utf8) }
  }

  @Test func provisioningIsReadAsItIsWritten() throws {
    let body = ProvisionBody(
      key: key, user: try LoginName(validating: "pi"), tags: ["site": "berlin"], hostKeysFromFirstClaim: true)
    #expect(try ProvisionBody(parsing: body.line.utf8) == body)
    let reply = ProvisionReply(device: DeviceID(random: 7), port: TCPPort(20000)!, created: true, host: host)
    #expect(try ProvisionReply(reply.fields) == reply)
    #expect(try EnrollBody(parsing: EnrollBody(hostKeys: [key]).line.utf8).hostKeys == [key])
    #expect(throws: JSONError.self) { try EnrollBody(parsing: EnrollBody(hostKeys: []).line.utf8) }
  }

  @Test func aDeviceIsReadAsItIsWritten() throws {
    var device = DeviceStatus(
      name: try DeviceName(validating: "kitchen-pi"), id: DeviceID(random: 1), port: TCPPort(20007)!,
      user: try LoginName(validating: "pi"), tags: ["a": "b"], state: .online, enrolled: true,
      provisioned: Timestamp(seconds: 1_767_323_045))
    #expect(try DeviceStatus(device.object) == device)
    device.note = "ssh down on the device"
    device.lastSeen = Timestamp(seconds: 1_767_323_046)
    device.rtt_ms = 23.5
    device.bytesSent = 1
    #expect(try DeviceStatus(device.object) == device)
  }

  @Test func theAgentsConfigurationIsReadAsItIsWritten() throws {
    let configuration = AgentConfiguration(
      device: DeviceID(random: 1), name: try DeviceName(validating: "kitchen-pi"), port: TCPPort(20007)!, host: host,
      keyFile: "id_ed25519", sshdPort: TCPPort(22)!, reportHostKeys: true)
    #expect(try AgentConfiguration(parsing: configuration.text.utf8) == configuration)
    var metered = configuration
    (metered.profile, metered.keepalive_s) = (.metered, 60)
    #expect(try AgentConfiguration(parsing: metered.text.utf8) == metered)
    #expect(!metered.text.contains("keepalive_s"), "the profile says it")
    metered.keepalive_s = 7
    #expect(try AgentConfiguration(parsing: metered.text.utf8).keepalive_s == 7)
    let old = configuration.text.replacing(#""profile":"normal""#, with: #""keepalive_s":20"#)
    #expect(try AgentConfiguration(parsing: old.utf8).keepalive_s == 20)
    #expect(throws: Refusal.self) {
      try AgentConfiguration(parsing: configuration.text.replacing(#""normal""#, with: #""loud""#).utf8)
    }
    #expect { try AgentConfiguration(parsing: "{}".utf8) } throws: {
      ($0 as? Refusal)?.code == .configurationInvalid
    }
  }

  @Test(arguments: ["-oProxyCommand=x", "", "a b", "a;b", "a%h", "[::1]", "a\nb"])
  func anAddressMeansNothingToSSHOrAShell(_ text: String) {
    #expect(!HostAddress.isAddress(text))
  }

  @Test func aRefusalCrossesTheWire() throws {
    let refusal = Refusal(.deviceOffline, "kitchen-pi is offline", hint: "wait")
    #expect(try Reply(parsing: Reply.refused(refusal).line.utf8) == .refused(refusal))
    #expect(try Reply(parsing: Reply.ok(["count": .integer(3)]).line.utf8) == .ok(["count": .integer(3)]))
    #expect(throws: JSONError.self) { try Reply(parsing: "{\"v\":9,\"ok\":true}".utf8) }
    guard
      case .refused(let unknown) = try Reply(
        parsing: "{\"v\":1,\"ok\":false,\"code\":\"x\",\"message\":\"a\\u001b\"}".utf8)
    else {
      Issue.record("not refused")
      return
    }
    #expect(unknown.message == "a\\u{1b}")
  }

  @Test func everyRefusalHasACodeOfItsOwnInTheProtocol() throws {
    #expect(Set(Refusal.Code.allCases.map(\.rawValue)).count == Refusal.Code.allCases.count)
    #expect(Refusal.Code.noSuchDevice.exitStatus.rawValue == 3)
    #expect(Refusal.Code.deviceOffline.exitStatus.rawValue == 4)
    #expect(Refusal.Code.denied.exitStatus.rawValue == 5)
    #expect(Refusal.Code.hostUnreachable.exitStatus.rawValue == 6)
    #expect(Refusal.Code.nameInvalid.exitStatus.rawValue == 2)
  }
}
