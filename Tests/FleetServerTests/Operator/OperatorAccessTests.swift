import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct OperatorAccessTests {
  private func code(_ body: () throws(Refusal) -> Void) -> Refusal.Code? {
    do { try body() } catch { return error.code }
    return nil
  }

  private func device(_ name: String, tags: [String: String] = [:]) throws -> ListedDevice {
    ListedDevice(
      id: DeviceID(random: 1), name: try DeviceName(validating: name), port: try #require(TCPPort(20000)),
      user: try LoginName(validating: "pi"), tags: tags, isEnrolled: true, awaitsHostKeys: false, provisioned_s: 1)
  }

  private static let requests = [
    "version", "list", "select", "show a", "log", "connect a", "queue-add", "queue", "queue-take 00000001 a",
    "queue-done 00000001 a", "queue-cancel 00000001", "provision a", "provision-many", "enroll a", "rename a b",
    "tag a",
    "replace a", "remove a", "rekey a", "enroll-key-create", "enroll-keys", "enroll-key-remove 5f0c2a91", "pending",
    "approve a", "reject a",
  ]

  @Test(arguments: OperatorRole.allCases)
  func aRoleMayWhatItMayAndNoMore(_ role: OperatorRole) throws {
    let access = OperatorAccess(role: role, devices: .everything)
    for text in Self.requests {
      let request = try OperatorRequest(parsing: text)
      #expect(
        code { () throws(Refusal) in try access.check(request) } == (role >= request.requiredRole ? nil : .denied),
        "\(text)")
    }
  }

  @Test func theWholeFleetIsForThoseWhoAreHeldToNothing() throws {
    let held = OperatorAccess(role: .admin, devices: try DeviceSelector(["tag=site:berlin"]))
    for text in Self.requests {
      let request = try OperatorRequest(parsing: text)
      let isWhole = ["enroll-key", "pending", "approve", "reject"].contains { text.hasPrefix($0) }
      #expect(code { () throws(Refusal) in try held.check(request) } == (isWhole ? .denied : nil), "\(text)")
      #expect(request.device?.rawValue == (text.contains(" a") && !isWhole ? "a" : nil), "\(text)")
    }
  }

  @Test func anOperatorIsLetAtWhatTheSelectorMeans() throws {
    let access = OperatorAccess(
      role: .operator, devices: try DeviceSelector(["kitchen-*", "tag=site:berlin", "!tag=old"]))
    let kitchen = try device("kitchen-pi", tags: ["site": "berlin"])
    #expect(access.means(kitchen) && code { () throws(Refusal) in try access.check(kitchen) } == nil)
    for other in [
      try device("attic-pi", tags: ["site": "berlin"]), try device("kitchen-pi", tags: ["site": "bonn"]),
      try device("kitchen-pi", tags: ["site": "berlin", "old": ""]),
    ] {
      #expect(!access.means(other) && code { () throws(Refusal) in try access.check(other) } == .denied)
      #expect(
        code { () throws(Refusal) in try access.checkResult(name: other.name, user: other.user, tags: other.tags) }
          == .denied)
    }
  }

  @Test func theRefusalSaysWhatIsMissing() throws {
    let viewer = OperatorAccess(role: .viewer, devices: .everything)
    let refusal = #expect(throws: Refusal.self) { try viewer.check(try OperatorRequest(parsing: "queue-add")) }
    #expect(refusal?.message == "your role here is viewer, and 'queue-add' is for operators and admins")
  }
}
