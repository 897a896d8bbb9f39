import FleetProtocol
import Foundation
import Testing

@testable import FleetServer

/// The built program as sshd runs it for an enroll key and for the operators who look after it.
@Suite struct EnrollmentRequestTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
  }

  private func fields(_ result: SpawnedProcess.Result) throws -> JSONObject {
    guard case .ok(let fields) = try result.reply() else { throw JSONError(result.output) }
    return fields
  }

  private func code(_ result: SpawnedProcess.Result) throws -> Refusal.Code? {
    if case .refused(let refusal) = try result.reply() { return refusal.code }
    return nil
  }

  private func createEnrollKey(
    pattern: String = "kiosk-{serial}", uses: Int64 = 10, expires_s: Int64 = 1000, autoApprove: Bool = false
  ) throws -> String {
    let body = EnrollKeyBody(
      key: try sampleKey(90), pattern: try NamePattern(validating: pattern), user: try LoginName(validating: "pi"),
      tags: ["site": "berlin"], uses: uses, expires_s: expires_s, autoApprove: autoApprove)
    return try fields(server.request("enroll-key-create", body: body.line + "\n")).string("id")
  }

  private func body(_ key: Int, facts: [String: String] = ["serial": "7"]) throws -> String {
    JoinBody(key: try sampleKey(key), facts: facts, hostKeys: [try sampleKey(500 + key)]).line + "\n"
  }

  private func start(_ id: String, _ input: String, request: String = "join") throws -> SpawnedProcess {
    try server.start(
      ["enroll-key", id],
      environment: ["SSH_ORIGINAL_COMMAND": request, "SSH_CONNECTION": "192.0.2.7 4711 198.51.100.1 2222"], input: input
    )
  }

  private func lines(_ request: String) throws -> [JSONObject] {
    try server.request(request).output.split(separator: "\n").dropFirst().map {
      guard case .object(let object) = try JSON(parsing: String($0)) else { throw JSONError("not an object") }
      return object
    }
  }

  private var keyFile: String {
    get throws { try String(contentsOfFile: server.home + "/authorized_keys", encoding: .utf8) }
  }

  @Test func aBoxJoinsWaitsAndIsApproved() throws {
    let id = try createEnrollKey()
    #expect(try keyFile.contains("enroll-key \(id)\" \(sampleKey(90)) fleet-enroll-key:\(id)\n"))
    let facts = ["serial": "7", "hostname": "pi\u{1B}[2J", "Bad Name": "x", String(repeating: "f", count: 64): "x"]
    let joined = try JoinReply(fields(start(id, body(10, facts: facts)).result()))
    let name = try DeviceName(validating: "kiosk-7")
    #expect(joined == .pending(name: name, retry_s: 30))
    let box = try PendingBox(try #require(try lines("pending").first))
    #expect(box.name == name && box.facts == ["serial": "7", "hostname": "pi\u{1B}[2J"])
    #expect(try box.remoteAddress == "192.0.2.7" && box.hostKeys == [sampleKey(510)])
    #expect(try fields(server.request("list")).integer("pending", in: 1...1) == 1)
    #expect(try !keyFile.contains(sampleKey(10).base64))

    let approved = try fields(server.request("approve kiosk-7", body: ApproveBody().line + "\n"))
    let port = try approved.port("port")
    #expect(try keyFile.contains("127.0.0.1:\(port)") && keyFile.contains(sampleKey(10).base64))
    guard case .approved(let device, name, port, let host) = try JoinReply(fields(start(id, body(10)).result()))
    else { return try #require(Bool(false)) }
    #expect(try device.rawValue == approved.string("device") && host.endpoints.first?.address == "127.0.0.1")
    #expect(try EnrollKeyStatus(try #require(try lines("enroll-keys").first)).used == 1)

    #expect(try server.request("enroll-key-remove \(id)").status == 0)
    #expect(try !keyFile.contains("fleet-enroll-key") && keyFile.contains(sampleKey(10).base64))
    #expect(try code(start(id, body(10)).result()) == .noSuchEnrollKey)
    #expect(try code(server.request("enroll-key-remove \(id)")) == .noSuchEnrollKey)
  }

  @Test func aRejectedBoxIsTold() throws {
    let id = try createEnrollKey()
    _ = try start(id, body(10)).result()
    #expect(try server.request("reject kiosk-7").status == 0)
    let told = try start(id, body(10)).result()
    #expect(try told.status == 5 && code(told) == .enrollmentRejected)
    #expect(try code(server.request("approve kiosk-7", body: ApproveBody().line + "\n")) == .noSuchDevice)
  }

  /// Fifty uses are fifty boxes, however many ask in the same moment, and the same box twice is one.
  @Test(arguments: [false, true]) func aHundredAtOnceAreAsManyAsTheKeyAllows(_ autoApprove: Bool) throws {
    let id = try createEnrollKey(uses: 50, autoApprove: autoApprove)
    let running = try (0..<100).map { try start(id, body(1000 + $0 / 2 * 2 % 100, facts: ["serial": "same"])) }
    let twins = running.map { $0.result() }
    #expect(try twins.allSatisfy { try code($0) == nil })
    #expect(try EnrollKeyStatus(try #require(try lines("enroll-keys").first)).used == 50)
    let others = try (0..<100).map { try start(id, body(2000 + $0)) }.map { $0.result() }
    #expect(try others.allSatisfy { try code($0) == .enrollKeyUsedUp && $0.status == 5 })
    let devices = try Registry.open(Home(path: server.home)).devices()
    #expect(try devices.count == (autoApprove ? 50 : 0) && lines("pending").count == (autoApprove ? 0 : 50))
    #expect(Set(devices.map(\.port)).count == devices.count)
  }

  @Test func aHundredNewBoxesAtOnceGetFiftyPlaces() throws {
    let id = try createEnrollKey(uses: 50, autoApprove: true)
    let results = try (0..<100).map { try start(id, body(3000 + $0)) }.map { $0.result() }
    let codes = try results.map(code)
    #expect(codes.filter { $0 == nil }.count == 50 && codes.filter { $0 == .enrollKeyUsedUp }.count == 50)
    let names = try Registry.open(Home(path: server.home)).devices().map(\.name.rawValue)
    #expect(Set(names) == Set(["kiosk-7"] + (2...50).map { "kiosk-7-\($0)" }))
    #expect(KeyFileText.deviceCount(in: try keyFile.utf8) == 50)
  }

  @Test func anEnrollKeyAsksForNothingElse() throws {
    let id = try createEnrollKey()
    for request in ["claim", "list", "pending", "approve kiosk-7", "provision x", "connect x", "sh", "join x"] {
      let result = try start(id, body(10), request: request).result()
      #expect(try result.status == 5 && code(result) == .requestRefused, "\(request)")
    }
    #expect(try code(server.run(["enroll-key", id])) == .requestRefused, "no shell")
    #expect(try code(start("00000000", body(10)).result()) == .noSuchEnrollKey)
  }

  @Test(arguments: ["", "{", "[]", #"{"v":2}"#, #"{"v":1,"key":"ssh-ed25519 AAAA"}"#, "long", "many"])
  func aBodyThatIsNotUnderstoodJoinsNobody(_ text: String) throws {
    let id = try createEnrollKey()
    let input =
      switch text {
      case "long": String(repeating: "x", count: Limits.line + 1)
      case "many": try body(10, facts: Dictionary(uniqueKeysWithValues: (0..<20).map { ("f\($0)", "x") }))
      default: text
      }
    #expect(try code(start(id, input + "\n").result()) == .requestMalformed)
    #expect(try lines("pending").isEmpty)
    #expect(try EnrollKeyStatus(try #require(try lines("enroll-keys").first)).used == 0)
  }

  @Test func aThousandDevicesAtOnce() throws {
    let rows = try (0..<1000).map {
      try NamedProvisionBody(name: DeviceName(validating: "d\($0)"), body: sampleBody(5000 + $0))
    }
    let body = #"{"v":1,"count":1000}"# + "\n" + rows.map { $0.line + "\n" }.joined()
    for created in [true, false] {
      let result = try server.request("provision-many", body: body)
      #expect(try fields(result).integer("count", in: 0...1000) == 1000)
      let replies = try result.output.split(separator: "\n").dropFirst().map { try Reply(parsing: Array($0.utf8)) }
      let leases = try replies.map { reply in
        guard case .ok(let fields) = reply else { throw JSONError("refused") }
        return (try fields.port("port").rawValue, try fields.flag("created"))
      }
      #expect(leases.map(\.1) == Array(repeating: created, count: 1000))
      #expect(Set(leases.map(\.0)).count == 1000)
    }
    #expect(KeyFileText.deviceCount(in: try keyFile.utf8) == 1000)
  }

  @Test func eachLineOfManyIsAnsweredInItsPlace() throws {
    let good = NamedProvisionBody(name: try DeviceName(validating: "good"), body: try sampleBody(10)).line
    let body = [
      "{\"v\":1,\"count\":4}", "{}", good, good.replacing("good", with: "Bad"), good.replacing("good", with: "g2"),
    ]
    let result = try server.request("provision-many", body: body.joined(separator: "\n") + "\n")
    let replies = try result.output.split(separator: "\n").dropFirst().map { try Reply(parsing: Array($0.utf8)) }
    let codes = replies.map { reply -> Refusal.Code? in
      if case .refused(let refusal) = reply { refusal.code } else { nil }
    }
    #expect(result.status == 0 && codes == [.requestMalformed, nil, .requestMalformed, .keyTaken])

    for wrong in [
      "{\"v\":1,\"count\":1001}", "{\"v\":1}", "{\"v\":1,\"count\":2}\n" + good.replacing("good", with: "h"),
    ] {
      let result = try server.request("provision-many", body: wrong + "\n")
      #expect(try result.status == 2 && code(result) == .requestMalformed, "\(wrong.prefix(30))")
    }
    #expect(try Registry.open(Home(path: server.home)).devices().map(\.name.rawValue) == ["good"])
  }
}
