import FleetProtocol
import GRDB
import Testing

@testable import FleetServer

@Suite struct RegistryLifecycleTests {
  private let folder: TemporaryFolder
  private let registry: Registry
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")
  private let kitchen: DeviceName
  private let attic: DeviceName

  init() throws {
    folder = try TemporaryFolder()
    registry = try Registry.create(try folder.home())
    kitchen = try DeviceName(validating: "kitchen-pi")
    attic = try DeviceName(validating: "attic-pi")
  }

  @discardableResult private func provision(
    _ name: DeviceName, _ number: Int, expires_s: Int64? = nil, replacesKey: Bool = false, tags: [String: String] = [:],
    now_s: Int64 = 1000
  ) throws -> Registry.Lease {
    var body = try sampleBody(number, fromFirstClaim: true)
    (body.expires_s, body.replacesKey, body.tags) = (expires_s, replacesKey, tags)
    return try registry.provision(
      name, body: body, id: DeviceID(random: UInt64(number)), range: try #require(PortRange(parsing: "20000-20009")),
      portsInUse: [], by: alice, now_s: now_s)
  }

  private func code(_ body: () throws -> Void) -> Refusal.Code? {
    do { try body() } catch { return (error as? Refusal)?.code }
    return nil
  }

  private func audit() throws -> [String] {
    try registry.read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM audit ORDER BY id").map {
        "\($0["actor"] as String) \($0["action"] as String) \($0["device_name"] as String) \($0["detail"] as String? ?? "-")"
      }
    }
  }

  // MARK: rename and tag

  @Test func aNameIsChangedAndNoneIsTakenAway() throws {
    let lease = try provision(kitchen, 11)
    let hall = try DeviceName(validating: "hall-pi")
    #expect(try registry.rename(kitchen, to: hall, by: alice, now_s: 5))
    #expect(try registry.device(named: hall).id == lease.device)
    #expect(try !registry.rename(hall, to: hall, by: alice, now_s: 6))
    try provision(attic, 12)
    #expect(code { _ = try registry.rename(hall, to: attic, by: alice, now_s: 7) } == .nameTaken)
    #expect(code { _ = try registry.rename(kitchen, to: hall, by: alice, now_s: 8) } == .noSuchDevice)
    #expect(try audit()[1...] == ["alice rename kitchen-pi to hall-pi", "alice provision attic-pi port 20001"])
  }

  @Test func tagsAreSetAndRemoved() throws {
    try provision(kitchen, 11, tags: ["old": "1", "site": "bonn"])
    let body = TagBody(set: ["site": "berlin", "floor": "2"], remove: ["old", "never"])
    let wanted = ["site": "berlin", "floor": "2"]
    #expect(try registry.tag(kitchen, body, by: alice, now_s: 5) == wanted)
    #expect(try registry.tag(kitchen, body, by: alice, now_s: 6) == wanted)
    #expect(try registry.device(named: kitchen).tags == wanted)
    #expect(try audit()[1...] == ["alice tag kitchen-pi floor=2 site=berlin old-"], "what changes nothing is not told")
    let many = Dictionary(uniqueKeysWithValues: (0..<31).map { ("t\($0)", "x") })
    #expect(
      code { _ = try registry.tag(kitchen, TagBody(set: many, remove: []), by: alice, now_s: 7) } == .requestMalformed)
    #expect(try registry.device(named: kitchen).tags == wanted)
  }

  // MARK: replace

  @Test func newHardwareGetsThePlaceOfTheOld() throws {
    let lease = try provision(kitchen, 11, tags: ["site": "berlin", "rev": "1"])
    try registry.record([PresenceTransition(device: lease.device, isOnline: true, at_s: 1100)])
    #expect(try registry.enroll(kitchen, hostKeys: [try sampleKey(20)], by: alice, now_s: 1200))
    _ = try registry.rotateKey(
      of: lease.device, to: try sampleKey(13), standing: .current, from: nil, now_s: 1250)
    let body = ProvisionBody(
      key: try sampleKey(12), user: try LoginName(validating: "root"), tags: ["rev": "2"],
      hostKeysFromFirstClaim: false, replacesKey: true, expires_s: 60)
    #expect(try registry.replace(kitchen, body: body, by: alice, now_s: 1300).isNew)
    // The watch sees the old box go only now.
    try registry.record([PresenceTransition(device: lease.device, isOnline: false, at_s: 1301)])
    let device = try registry.device(named: kitchen)
    let key = try sampleKey(12)
    #expect(device.id == lease.device && device.port == lease.port && device.tags == ["site": "berlin", "rev": "2"])
    #expect(device.key == key && device.nextKey == nil && device.user == body.user)
    #expect(device.hostKeys.isEmpty && device.enrolled_s == nil && !device.hostKeysFromFirstClaim)
    #expect(device.replacesKey && device.expires_s == 1360 && device.lastSeen_s == nil)
    #expect(
      try registry.read({ try Registry.keyFileEntries(now_s: 0, $0).devices }).map(\.key) == [key],
      "one key, the new one")
    #expect(try audit().last == "alice replace kitchen-pi port \(lease.port)")

    // A client that was not heard asks again.
    #expect(try !registry.replace(kitchen, body: body, by: alice, now_s: 1310).isNew)
    #expect(try audit().count == 4)
  }

  @Test func aKeyThatIsSomebodysReplacesNone() throws {
    let lease = try provision(kitchen, 11)
    try provision(attic, 12)
    _ = try registry.rotateKey(of: lease.device, to: try sampleKey(13), standing: .current, from: nil, now_s: 1)
    #expect(code { _ = try registry.replace(kitchen, body: try sampleBody(12), by: alice, now_s: 2) } == .keyTaken)
    #expect(code { _ = try registry.replace(attic, body: try sampleBody(13), by: alice, now_s: 2) } == .keyTaken)
    #expect(
      code { _ = try registry.replace(kitchen, body: try sampleBody(13), by: alice, now_s: 2) } == .keyTaken,
      "the old hardware holds it")
    let kept = try registry.device(named: kitchen).key
    #expect(try kept == sampleKey(11))
  }

  // MARK: rekey and rotate-key

  @Test func aKeyIsReplacedInTwoSteps() throws {
    let id = try provision(kitchen, 11, expires_s: 60).device
    _ = try registry.rekey(kitchen, by: alice, now_s: 1)
    let new = try sampleKey(12)
    func rotate(_ standing: DeviceKeyStanding, _ key: PublicKey) throws -> KeyRotationRule.Step {
      try registry.rotateKey(of: id, to: key, standing: standing, from: "192.0.2.9", now_s: 2)
    }
    func standings() throws -> [DeviceKeyStanding] {
      try registry.read({ try Registry.keyFileEntries(now_s: 0, $0).devices }).map(\.standing)
    }
    #expect(try standings() == [.replace])
    for step in [KeyRotationRule.Step.admit, .stay] { #expect(try rotate(.replace, new) == step) }
    #expect(try standings() == [.replace, .next])
    #expect(code { _ = try rotate(.next, try sampleKey(13)) } == .requestRefused)
    for step in [KeyRotationRule.Step.promote, .done] { #expect(try rotate(.next, new) == step) }
    #expect(try rotate(.current, new) == .done)
    let device = try registry.device(named: kitchen)
    #expect(device.key == new && device.nextKey == nil && !device.replacesKey && device.expires_s == nil)
    #expect(try standings() == [.current])
    #expect(
      try audit()[1...] == [
        "alice rekey kitchen-pi -", "device rotate-key kitchen-pi asked", "device rotate-key kitchen-pi done",
      ])
    #expect(
      code { _ = try registry.replace(kitchen, body: try sampleBody(11), by: alice, now_s: 3) } == nil,
      "the old key is nobody's")
  }

  @Test func aKeyThatIsAnybodyElsesIsNotRotatedTo() throws {
    let id = try provision(kitchen, 11).device
    let other = try provision(attic, 12).device
    _ = try registry.rotateKey(of: other, to: try sampleKey(13), standing: .current, from: nil, now_s: 1)
    _ = try registry.addOperator(
      try OperatorName(validating: "bob"), key: try sampleKey(14), by: .host, now_s: 1)
    try addEnrollKey(15)
    for taken in 12...15 {
      #expect(
        code {
          _ = try registry.rotateKey(of: id, to: try sampleKey(taken), standing: .current, from: nil, now_s: 2)
        } == .keyTaken, "\(taken)")
    }
    #expect(try registry.device(named: kitchen).nextKey == nil)
    #expect(
      code {
        _ = try registry.rotateKey(
          of: DeviceID(random: 99), to: try sampleKey(16), standing: .current, from: nil, now_s: 2)
      } == .noSuchDevice)
  }

  /// The other way round: who comes later finds the key taken.
  @Test func aNextKeyAndAnEnrollKeyAreTakenForEveryoneElse() throws {
    let id = try provision(kitchen, 11).device
    _ = try registry.rotateKey(of: id, to: try sampleKey(13), standing: .current, from: nil, now_s: 1)
    try addEnrollKey(15)
    for taken in [13, 15] {
      #expect(code { try provision(attic, taken) } == .keyTaken)
      let bob = try OperatorName(validating: "bob")
      #expect(code { _ = try registry.addOperator(bob, key: try sampleKey(taken), by: .host, now_s: 1) } == .keyTaken)
    }
    #expect(code { try provision(kitchen, 13) } == .keyTaken, "its own next key is not its key yet")
  }

  private func addEnrollKey(_ number: Int) throws {
    try registry.write { db in
      try db.execute(
        sql: """
          INSERT INTO enroll_keys (id, key, pattern, user, tags, uses, auto_approve, created_s, created_by, expires_s)
          VALUES ('0000000\(number % 10)', ?, 'k-{serial}', 'pi', '{}', 1, 0, 1, 'alice', 2)
          """, arguments: [try sampleKey(number).description])
    }
  }

  // MARK: expiry

  @Test(arguments: [
    (100, false, 99, ExpiryRule.Step.wait), (100, false, 100, .remove), (100, true, 100, .keep), (100, true, 1, .keep),
  ])
  func whatExpires(_ expires_s: Int64, _ isSeen: Bool, _ now_s: Int64, _ step: ExpiryRule.Step) {
    #expect(ExpiryRule.step(expires_s: expires_s, isSeen: isSeen, now_s: now_s) == step)
  }

  @Test func aDeviceThatExpiresLeavesItsPortAtOnce() throws {
    let lease = try provision(kitchen, 11, expires_s: 60)
    let due = try #require(try registry.expiring().first)
    #expect(due == Registry.Expiring(id: lease.device, expires_s: 1060, lastSeen_s: nil))
    #expect(
      try registry.read({ try Registry.keyFileEntries(now_s: 0, $0).devices }).first?.expires
        == Timestamp(seconds: 1060))
    #expect(try registry.expire([(due, .remove)], now_s: 1060) == [lease.device])
    #expect(try registry.devices().isEmpty)
    #expect(try provision(attic, 12, now_s: 1061).port == lease.port)
    #expect(try audit()[1] == "host expire kitchen-pi -")
  }

  @Test func aDeviceThatWasSeenStays() throws {
    let lease = try provision(kitchen, 11, expires_s: 60)
    let before = try #require(try registry.expiring().first)
    try registry.record([PresenceTransition(device: lease.device, isOnline: true, at_s: 1010)])
    #expect(try registry.expire([(before, .remove)], now_s: 1060).isEmpty, "it came while the decision was made")
    let after = try #require(try registry.expiring().first)
    #expect(try registry.expire([(after, .keep)], now_s: 1060).isEmpty)
    #expect(try registry.expiring().isEmpty && registry.devices().count == 1)
    #expect(try registry.read({ try Registry.keyFileEntries(now_s: 0, $0).devices }).first?.expires == nil)
  }

  @Test func theSameKeyAgainCountsTheExpiryAnew() throws {
    try provision(kitchen, 11, expires_s: 60, replacesKey: true)
    #expect(try !provision(kitchen, 11, expires_s: 60, now_s: 1050).created)
    #expect(try registry.device(named: kitchen).expires_s == 1110)
    #expect(try !provision(kitchen, 11, now_s: 1060).created)
    let device = try registry.device(named: kitchen)
    #expect(device.expires_s == nil && device.replacesKey, "the key has travelled all the same")
  }
}
