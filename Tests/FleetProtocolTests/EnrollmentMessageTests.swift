import FleetProtocol
import Testing

@Suite struct EnrollmentMessageTests {
  let key: PublicKey
  let host: HostAddress
  let id: EnrollKeyID
  let name: DeviceName

  init() throws {
    key = try PublicKey(parsing: KeyAndTimeTests.key)
    host = HostAddress(
      account: try LoginName(validating: "fleet"), endpoints: [.init(address: "hosta.example", port: TCPPort(2222)!)],
      hostKeys: [key])
    id = try EnrollKeyID(validating: "5f0c2a91")
    name = try DeviceName(validating: "kiosk-7")
  }

  private func enrollKey() throws -> EnrollKeyBody {
    EnrollKeyBody(
      key: key, pattern: try NamePattern(validating: "kiosk-{serial}"), user: try LoginName(validating: "pi"),
      tags: ["site": "berlin"], uses: 200, expires_s: 604_800, autoApprove: true)
  }

  @Test func anEnrollKeyIsReadAsItIsWritten() throws {
    let body = try enrollKey()
    #expect(try EnrollKeyBody(parsing: body.line.utf8) == body)
    let status = EnrollKeyStatus(
      id: id, pattern: body.pattern, user: body.user, uses: 200, used: 3, expires: Timestamp(seconds: 1_767_323_045),
      autoApprove: false, createdBy: "anna")
    #expect(try EnrollKeyStatus(status.object) == status)
    #expect(EnrollKeyID(random: 7).rawValue == "00000007" && EnrollKeyID(random: .max).rawValue == "ffffffff")
  }

  @Test(arguments: [
    (#""uses":200"#, #""uses":0"#), (#""uses":200"#, #""uses":100001"#), (#""uses":200"#, #""uses":"200""#),
    (#""expires_s":604800"#, #""expires_s":0"#), (#""expires_s":604800"#, #""expires_s":-1"#),
    (#""expires_s":604800"#, #""expires_s":99999999999"#), ("kiosk-{serial}", "kiosk-{secret}"), (#""pi""#, #""p i""#),
    ("ssh-ed25519", "ssh-dss"), (#""v":1"#, #""v":2"#), (#""berlin""#, "7"),
  ])
  func anEnrollKeyThatIsNotOneIsRefused(_ part: String, _ instead: String) throws {
    let line = try enrollKey().line
    let changed = line.replacing(part, with: instead)
    #expect(changed != line)
    #expect(throws: JSONError.self) { try EnrollKeyBody(parsing: changed.utf8) }
  }

  @Test func joiningIsReadAsItIsWritten() throws {
    let body = JoinBody(key: key, facts: ["serial": "x\u{1B}", "mac": "b8:27:eb:00:00:01"], hostKeys: [key])
    #expect(try JoinBody(parsing: body.line.utf8) == body)
    let replies: [JoinReply] = [
      .pending(name: name, retry_s: 30),
      .approved(device: DeviceID(random: 1), name: name, port: TCPPort(20007)!, host: host),
    ]
    for reply in replies { #expect(try JoinReply(reply.fields) == reply) }
    #expect(throws: JSONError.self) { try JoinReply(["state": .string("perhaps"), "name": .string("a")]) }
  }

  @Test func tooMuchIsNoJoin() throws {
    let many = Dictionary(uniqueKeysWithValues: (0...Limits.facts).map { ("f\($0)", "x") })
    let long = ["serial": String(repeating: "x", count: Limits.text + 1)]
    for facts in [many, long] {
      let body = JoinBody(key: key, facts: facts, hostKeys: [])
      #expect(throws: JSONError.self) { try JoinBody(parsing: body.line.utf8) }
    }
    let keys = JoinBody(key: key, facts: [:], hostKeys: Array(repeating: key, count: Limits.hostKeys + 1))
    #expect(throws: JSONError.self) { try JoinBody(parsing: keys.line.utf8) }
    #expect(throws: JSONError.self) { try JoinBody(parsing: #"{"v":1,"key":"x"}"#.utf8) }
  }

  @Test func aBoxThatWaitsIsReadAsItIsWritten() throws {
    var box = PendingBox(
      name: name, key: key, facts: ["serial": "1"], hostKeys: [key], remoteAddress: "203.0.113.9",
      asked: Timestamp(seconds: 1_767_323_045), enrollKey: id)
    #expect(try PendingBox(box.object) == box)
    (box.remoteAddress, box.facts, box.hostKeys) = (nil, [:], [])
    #expect(try PendingBox(box.object) == box)
  }

  @Test func anApprovalIsReadAsItIsWritten() throws {
    for body in [
      ApproveBody(), ApproveBody(name: name, user: try LoginName(validating: "pi"), tags: ["site": "berlin"]),
    ] {
      #expect(try ApproveBody(parsing: body.line.utf8) == body)
    }
    #expect(try ApproveBody(parsing: #"{"v":1}"#.utf8) == ApproveBody())
    #expect(throws: JSONError.self) { try ApproveBody(parsing: #"{"v":1,"name":"A"}"#.utf8) }
  }

  @Test func aRowOfManyIsReadAsItIsWritten() throws {
    let row = NamedProvisionBody(
      name: name,
      body: ProvisionBody(
        key: key, user: try LoginName(validating: "pi"), tags: ["a": "b"], hostKeysFromFirstClaim: true,
        replacesKey: true, expires_s: 60))
    #expect(try NamedProvisionBody(parsing: row.line.utf8) == row)
    #expect(throws: JSONError.self) { try NamedProvisionBody(parsing: row.body.line.utf8) }
  }
}
