import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

@Suite struct JoiningTests {
  private let folder: TemporaryFolder
  private let registry: Registry
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")
  private let id = EnrollKeyID(random: 1)

  init() throws {
    folder = try TemporaryFolder()
    registry = try Registry.create(try folder.home())
  }

  private func createEnrollKey(
    uses: Int64 = 10, autoApprove: Bool = false, key: Int = 90, id: EnrollKeyID? = nil, expires_s: Int64 = 1000
  ) throws {
    let body = EnrollKeyBody(
      key: try sampleKey(key), pattern: try NamePattern(validating: "kiosk-{serial}"),
      user: try LoginName(validating: "pi"), tags: ["site": "berlin"], uses: uses, expires_s: expires_s,
      autoApprove: autoApprove)
    _ = try registry.createEnrollKey(body, id: id ?? self.id, by: alice, now_s: 1000)
  }

  private func join(
    _ key: Int, serial: String = "7", hostKeys: [Int] = [500], with id: EnrollKeyID? = nil, now_s: Int64 = 1500,
    ports: String = "20000-20009"
  ) throws -> JoinOutcome {
    try registry.join(
      JoinBody(key: try sampleKey(key), facts: ["serial": serial], hostKeys: try hostKeys.map(sampleKey)),
      with: id ?? self.id, device: DeviceID(random: UInt64(key)),
      range: try #require(PortRange(parsing: ports)), portsInUse: { [] }, from: "192.0.2.7", now_s: now_s)
  }

  private func approve(_ name: String, _ body: ApproveBody = ApproveBody(), now_s: Int64 = 1600) throws
    -> (name: DeviceName, lease: Registry.Lease)
  {
    try registry.approve(
      try DeviceName(validating: name), body: body, device: DeviceID(random: 77),
      range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: alice, now_s: now_s)
  }

  private func waiting(_ name: String, since_s: Int64 = 1500) throws -> JoinOutcome {
    .waiting(try DeviceName(validating: name), since_s: since_s)
  }

  private func code(_ body: () throws -> Void) -> Refusal.Code? {
    do { try body() } catch { return (error as? Refusal)?.code }
    return nil
  }

  private func used() throws -> Int64? { try registry.enrollKeys().first?.used }

  private func audited() throws -> [String] {
    try registry.read { try String.fetchAll($0, sql: "SELECT actor || ' ' || action FROM audit ORDER BY id") }
  }

  private func opens(now_s: Int64) throws -> Bool {
    try registry.read { try !Registry.answeredEnrollKeys(now_s: now_s, $0).isEmpty }
  }

  @Test func aBoxWaitsUntilItIsApproved() throws {
    try createEnrollKey()
    #expect(try join(10) == waiting("kiosk-7"))
    #expect(try join(10, serial: "other", now_s: 1550) == waiting("kiosk-7"))
    #expect(try used() == 1 && registry.waitingCount() == 1 && registry.devices().isEmpty)
    let box = try #require(try registry.waitingBoxes().first)
    #expect(try box.key == sampleKey(10) && box.facts == ["serial": "7"] && box.remoteAddress == "192.0.2.7")

    let (name, lease) = try approve("kiosk-7")
    #expect(name.rawValue == "kiosk-7" && lease.created && lease.port == TCPPort(20000))
    #expect(try join(10, now_s: 99_999) == .approved(lease.device, name, lease.port))
    #expect(try used() == 1 && registry.waitingCount() == 0)
    let device = try registry.device(named: name)
    #expect(
      try device.tags == ["site": "berlin"] && device.hostKeys == [sampleKey(500)] && !device.hostKeysFromFirstClaim)
    let enrolledBy = try registry.read { try String.fetchOne($0, sql: "SELECT enrolled_by FROM devices") }
    #expect(enrolledBy == "alice")
    #expect(try audited() == ["alice enroll-key-create", "device join", "alice provision", "alice approve"])
  }

  @Test func anApprovalMayGiveAnotherNameAndUserAndMoreTags() throws {
    try createEnrollKey()
    _ = try join(10)
    let body = ApproveBody(
      name: try DeviceName(validating: "lobby"), user: try LoginName(validating: "kiosk"), tags: ["floor": "2"])
    #expect(try approve("kiosk-7", body).name.rawValue == "lobby")
    let device = try #require(try registry.devices().first)
    #expect(device.name.rawValue == "lobby" && device.user.rawValue == "kiosk")
    #expect(device.tags == ["site": "berlin", "floor": "2"])
    _ = try join(11)
    #expect(code { _ = try approve("kiosk-7", body) } == .nameTaken)
    #expect(try registry.waitingCount() == 1, "a refused approval leaves the box waiting")
    #expect(code { _ = try approve("kiosk-8") } == .noSuchDevice)
    let tooMany = Dictionary(uniqueKeysWithValues: (0..<Limits.tags).map { ("t\($0)", "x") })
    #expect(code { _ = try approve("kiosk-7", ApproveBody(tags: tooMany)) } == .requestMalformed)
  }

  @Test func aRejectedBoxLearnsItAndItsNameIsFree() throws {
    try createEnrollKey()
    _ = try join(10)
    try registry.reject(try DeviceName(validating: "kiosk-7"), by: alice, now_s: 1600)
    #expect(code { try registry.reject(try DeviceName(validating: "kiosk-7"), by: alice, now_s: 1) } == .noSuchDevice)
    #expect(try join(10) == .rejected)
    #expect(try join(10, now_s: 99_999) == .rejected)
    #expect(try join(11) == waiting("kiosk-7"))
    #expect(try used() == 2)
    #expect(try audited().contains("alice reject"))
  }

  @Test func withAutoApprovalTheFirstQuestionIsEnough() throws {
    try createEnrollKey(autoApprove: true)
    let name = try DeviceName(validating: "kiosk-7")
    let port = try #require(TCPPort(20000))
    #expect(try join(10) == .approved(DeviceID(random: 10), name, port))
    #expect(try join(10, now_s: 99_999) == .approved(DeviceID(random: 10), name, port))
    #expect(try registry.device(named: name).hostKeys == [try sampleKey(500)])
    #expect(try used() == 1)
    #expect(try audited() == ["alice enroll-key-create", "device join", "device provision"])
    #expect(code { _ = try join(11, ports: "20000-20000") } == .rangeExhausted)
    #expect(try used() == 1, "what did not join did not count")
    _ = try join(12, serial: "8", hostKeys: [])
    #expect(try registry.device(named: try DeviceName(validating: "kiosk-8")).hostKeysFromFirstClaim)
  }

  @Test func namesThatAreTakenGetNumbers() throws {
    try createEnrollKey()
    #expect(try join(10) == waiting("kiosk-7"))
    #expect(try join(11) == waiting("kiosk-7-2"))
    _ = try approve("kiosk-7")
    #expect(try join(12) == waiting("kiosk-7-3"))
    #expect(try join(13, serial: "7-2") == waiting("kiosk-7-2-2"))
  }

  @Test func expiryAndUsesHoldForNewBoxesOnly() throws {
    try createEnrollKey(uses: 2)
    _ = try join(10)
    #expect(code { _ = try join(11, now_s: 2000) } == .enrollKeyExpired)
    #expect(try join(10, now_s: 2000) == waiting("kiosk-7"))
    _ = try join(11)
    #expect(code { _ = try join(12) } == .enrollKeyUsedUp)
    #expect(try join(11) == waiting("kiosk-7-2"))
    #expect(try used() == 2)
    #expect(code { _ = try join(13, with: EnrollKeyID(random: 9)) } == .noSuchEnrollKey)
  }

  @Test func aKeyThatSomebodyHoldsDoesNotJoin() throws {
    try createEnrollKey()
    try createEnrollKey(key: 91, id: EnrollKeyID(random: 2))
    _ = try registry.addOperator(try OperatorName(validating: "bob"), key: try sampleKey(20), by: .host, now_s: 1)
    let device = try registry.provision(
      try DeviceName(validating: "a"), body: try sampleBody(21), id: DeviceID(random: 21),
      range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: alice, now_s: 1
    ).device
    let next = try sampleKey(22)
    try registry.write {
      try $0.execute(
        sql: "UPDATE devices SET next_key = ? WHERE id = ?", arguments: [next.description, device.rawValue])
    }
    _ = try join(23, with: EnrollKeyID(random: 2))
    for key in [20, 21, 22, 23, 90, 91] { #expect(code { _ = try join(key) } == .keyTaken, "\(key)") }
    #expect(try used() == 0)
    // And the other way round.
    #expect(code { try createEnrollKey(key: 23, id: EnrollKeyID(random: 3)) } == .keyTaken)
    for key in [23, 90] {
      #expect(
        code {
          _ = try registry.provision(
            try DeviceName(validating: "b"), body: try sampleBody(key), id: DeviceID(random: 1),
            range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: alice, now_s: 1)
        } == .keyTaken)
      let eve = try OperatorName(validating: "eve")
      #expect(code { _ = try registry.addOperator(eve, key: try sampleKey(key), by: .host, now_s: 1) } == .keyTaken)
    }
  }

  @Test func theSameEnrollKeyAgainIsTheSame() throws {
    try createEnrollKey()
    try createEnrollKey(id: EnrollKeyID(random: 5))
    #expect(try registry.enrollKeys().map(\.id) == [id])
    #expect(code { try createEnrollKey(uses: 11, id: EnrollKeyID(random: 5)) } == .keyTaken)
  }

  /// On its first boot a box may ask before its sshd has keys; keys that somebody may have compared do not change.
  @Test func hostKeysThatWereMissingAreTakenLaterAndThenStay() throws {
    try createEnrollKey()
    _ = try join(10, hostKeys: [])
    _ = try join(10, hostKeys: [501, 502])
    _ = try join(10, hostKeys: [503])
    #expect(try registry.waitingBoxes().first?.hostKeys == [try sampleKey(501), try sampleKey(502)])
  }

  @Test func theEnrollKeyOpensHostAAsLongAsSomebodyNeedsIt() throws {
    try createEnrollKey(uses: 3)
    #expect(try opens(now_s: 1999))
    #expect(try !opens(now_s: 2000), "expired, and nobody asked")
    _ = try join(10)
    #expect(try opens(now_s: 2000), "a box waits")
    let device = try approve("kiosk-7").lease.device
    #expect(try opens(now_s: 2000), "a box has not heard that it was approved")
    try registry.record([PresenceTransition(device: device, isOnline: true, at_s: 2100)])
    #expect(try !opens(now_s: 2200))
    _ = try join(11)
    try registry.reject(try DeviceName(validating: "kiosk-7-2"), by: alice, now_s: 1600)
    #expect(try opens(now_s: 2000), "a box has not heard that it was rejected")
    _ = try join(11)
    #expect(try !opens(now_s: 2000) && opens(now_s: 1999))
    _ = try join(12)
    try registry.removeEnrollKey(id, by: alice, now_s: 1700)
    #expect(try !opens(now_s: 1700) && registry.waitingCount() == 0 && registry.devices().count == 1)
    #expect(code { try registry.removeEnrollKey(id, by: alice, now_s: 1700) } == .noSuchEnrollKey)
  }

  @Test func newHardwareInTheDevicesPlaceHasNotJoined() throws {
    try createEnrollKey(uses: 1, autoApprove: true)
    _ = try join(10)
    _ = try registry.replace(
      try DeviceName(validating: "kiosk-7"), body: try sampleBody(11), by: alice, now_s: 1600)
    #expect(try !opens(now_s: 1700), "nobody has to hear anything")
    for key in [10, 12] { #expect(code { _ = try join(key) } == .enrollKeyUsedUp) }
    #expect(code { _ = try join(11) } == .keyTaken)
  }
}
