import FleetProtocol
import GRDB
import Testing

@testable import FleetServer

@Suite struct RegistryTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let registry: Registry
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
    registry = try Registry.create(home)
  }

  private func provision(
    _ name: String, _ number: Int, ports: String = "20000-20009", inUse: Set<TCPPort> = [], now_s: Int64 = 1000,
    in other: Registry? = nil
  ) throws -> Registry.Lease {
    try (other ?? registry).provision(
      try DeviceName(validating: name), body: try sampleBody(number), id: DeviceID(random: UInt64(number)),
      range: try #require(PortRange(parsing: ports)), portsInUse: inUse, by: alice, now_s: now_s)
  }

  private func code(_ body: () throws -> Void) -> Refusal.Code? {
    do { try body() } catch { return (error as? Refusal)?.code }
    return nil
  }

  @Test func theConnectionLosesNothingInAPowerCut() throws {
    for registry in [registry, try Registry.open(home)] {
      let pragmas = try registry.read { db in
        (
          try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"),
          try Int.fetchOne(db, sql: "PRAGMA busy_timeout"), try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
        )
      }
      #expect(pragmas.0 == 2)
      #expect(pragmas.1 == "wal")
      #expect(pragmas.2 == 25_000)
      #expect(pragmas.3 == 1)
      let whileWriting = try registry.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
      #expect(whileWriting == 2)
    }
  }

  @Test func oneDeviceOnePort() throws {
    #expect(try provision("a", 11).port == TCPPort(20000))
    #expect(try provision("b", 12).port == TCPPort(20001))
    #expect(try provision("c", 13, inUse: [try #require(TCPPort(20002))]).port == TCPPort(20003))
  }

  @Test func theSameKeyFindsTheSameLease() throws {
    let first = try provision("a", 11)
    let second = try provision("a", 11)
    #expect(first.created)
    #expect(!second.created)
    #expect(first.device == second.device && first.port == second.port)
  }

  @Test func namesAndKeysBelongToOneDevice() throws {
    _ = try provision("a", 11)
    #expect(code { _ = try provision("a", 12) } == .nameTaken)
    #expect(code { _ = try provision("b", 11) } == .keyTaken)
    #expect(try registry.devices().map(\.name.rawValue) == ["a"])
  }

  @Test func anOperatorsKeyIsNoDevicesAndTheOtherWayRound() throws {
    let bob = try OperatorName(validating: "bob")
    _ = try registry.addOperator(bob, key: try sampleKey(7), by: .host, now_s: 1)
    #expect(code { _ = try provision("a", 7) } == .keyTaken)
    _ = try provision("b", 8)
    let eve = try OperatorName(validating: "eve")
    #expect(code { _ = try registry.addOperator(eve, key: try sampleKey(8), by: .host, now_s: 1) } == .keyTaken)
    #expect(code { _ = try registry.addOperator(eve, key: try sampleKey(7), by: .host, now_s: 1) } == .keyTaken)
    #expect(code { _ = try registry.addOperator(bob, key: try sampleKey(9), by: .host, now_s: 1) } == .nameTaken)
    #expect(try registry.addOperator(bob, key: try sampleKey(7), by: .host, now_s: 1) == .unchanged)
  }

  @Test func aFullRangeLeasesNothing() throws {
    _ = try provision("a", 11, ports: "20000-20000")
    #expect(code { _ = try provision("b", 12, ports: "20000-20000") } == .rangeExhausted)
    #expect(try registry.devices().count == 1)
  }

  @Test func aRemovedDevicesPortRestsForADay() throws {
    let lease = try provision("a", 11, now_s: 1000)
    try registry.removeDevice(try DeviceName(validating: "a"), by: alice, now_s: 2000)
    #expect(try provision("b", 12, now_s: 2000 + LeasePolicy.quarantine_s - 1).port != lease.port)
    #expect(try provision("c", 13, now_s: 2000 + LeasePolicy.quarantine_s).port == lease.port)
  }

  @Test func enrolledKeysReplaceEarlierOnesAndAreAudited() throws {
    _ = try provision("a", 11)
    let name = try DeviceName(validating: "a")
    #expect(try registry.enroll(name, hostKeys: [try sampleKey(20), try sampleKey(21)], by: alice, now_s: 5))
    #expect(try registry.enroll(name, hostKeys: [try sampleKey(20), try sampleKey(21)], by: alice, now_s: 6) == false)
    #expect(try registry.enroll(name, hostKeys: [try sampleKey(22)], by: alice, now_s: 7))
    #expect(try registry.device(named: name).hostKeys == [try sampleKey(22)])
    #expect(
      try registry.read { try String.fetchAll($0, sql: "SELECT action FROM audit ORDER BY id") } == [
        "provision", "enroll", "enroll",
      ])
  }

  @Test func aDeviceGivesItsHostKeysOnceAndOnlyWhereThatWasAllowed() throws {
    let strict = try provision("strict", 11)
    #expect(try registry.adopt([try sampleKey(30)], for: strict.device, from: nil, now_s: 1) == false)
    let open = try registry.provision(
      try DeviceName(validating: "open"), body: try sampleBody(12, fromFirstClaim: true), id: DeviceID(random: 99),
      range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: alice, now_s: 1)
    #expect(try registry.adopt([try sampleKey(30)], for: open.device, from: "192.0.2.9", now_s: 1))
    #expect(try registry.adopt([try sampleKey(31)], for: open.device, from: "192.0.2.9", now_s: 2) == false)
    #expect(try registry.device(named: try DeviceName(validating: "open")).hostKeys == [try sampleKey(30)])
    #expect(try registry.device(named: try DeviceName(validating: "strict")).hostKeys.isEmpty)
  }

  @Test func aWrongNameGetsTheNearOnes() throws {
    _ = try provision("kitchen-pi", 11)
    let refusal = #expect(throws: Refusal.self) { try registry.device(named: try DeviceName(validating: "kitchn-pi")) }
    #expect(refusal?.code == .noSuchDevice)
    #expect(refusal?.hint == "did you mean kitchen-pi?")
  }

  @Test func presenceKeepsTheLatestSighting() throws {
    let id = try provision("a", 11).device
    try registry.record([PresenceTransition(device: id, isOnline: true, at_s: 100)])
    #expect(try registry.devicesRecordedOnline() == [id])
    try registry.record([
      PresenceTransition(device: id, isOnline: false, at_s: 90),
      PresenceTransition(device: DeviceID(random: 5), isOnline: true, at_s: 1),
    ])
    #expect(try registry.devicesRecordedOnline().isEmpty)
    #expect(try registry.devices().first?.lastSeen_s == 100)
  }

  @Test func aRegistryOfANewerProgramIsRefused() throws {
    try registry.write { try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99')") }
    #expect(code { _ = try Registry.open(home) } == .registryNewer)
  }

  @Test func aDamagedRegistryIsToldInASentence() throws {
    let other = try HomeFolder.make(Home(path: folder.path + "/other"))
    #expect(code { _ = try Registry.open(other) } == .notInitialised)
    try FileReplacement.write(
      "this is not a database, and it is long enough to be read".utf8, to: other.registry, durable: false)
    #expect(code { _ = try Registry.open(other) } == .registryDamaged)
  }

  @Test func aLockedRegistryIsBusyAfterItsTimeout() throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let locker = try DatabaseQueue(path: home.registry, configuration: configuration)
    try locker.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let impatient = try Registry.open(home, busyTimeout_s: 0.3)
    #expect(code { _ = try provision("a", 11, in: impatient) } == .registryBusy)
    #expect(try registry.devices().isEmpty)
    try locker.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    #expect(try provision("a", 11).created)
  }
}
