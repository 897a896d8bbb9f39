import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// A registry from before pages had seals gets them when it is first opened by one that is alone with it.
@Suite struct RegistrySealingTests {
  private let folder: TemporaryFolder
  private let home: Home

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
    let older = try stock()
    try RegistryMigrations.migrator.migrate(older, upTo: "3")
    _ = try older.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA journal_mode = WAL") }
    try older.write { db in
      for number in 1...200 {
        try db.execute(
          sql: """
            INSERT INTO devices (id, name, key, user, host_keys_from_first_claim, provisioned_s, provisioned_by)
            VALUES (?, ?, ?, 'pi', 1, 1, 'host')
            """,
          arguments: [DeviceID(random: UInt64(number)).rawValue, "box-\(number)", "\(try sampleKey(number))"])
        try db.execute(
          sql: "INSERT INTO leases VALUES (?, ?, 1)",
          arguments: [20000 + number, DeviceID(random: UInt64(number)).rawValue])
      }
    }
    try older.close()
  }

  private func stock() throws -> DatabaseQueue { try DatabaseQueue(path: home.registry) }

  private func isSealed(_ registry: Registry) throws -> Bool { try registry.read { RegistryFile.isSealed($0) } }

  @Test func theFirstToOpenItSealsIt() throws {
    let registry = try Registry.open(home)
    #expect(try isSealed(registry))
    #expect(try registry.devices().count == 200)
    #expect(try registry.read { try RegistryFile.isMarked(.registry, $0) })
    try registry.close()
    #expect(RegistryFile.firstDamagedPage(home.registry) == 0)
  }

  /// As after a copy by `.dump`, or by hand.
  @Test func oneWithoutALogGetsOne() throws {
    let older = try stock()
    _ = try older.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA journal_mode = DELETE") }
    try older.close()
    let registry = try Registry.open(home)
    #expect(try isSealed(registry) && registry.devices().count == 200)
    #expect(try registry.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
  }

  /// Somebody else might be a program that knows nothing of seals.
  @Test func whileSomebodyElseHasItOpenItStaysAsItIs() throws {
    let other = try stock()
    #expect(try other.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM devices") } == 200)
    let registry = try Registry.open(home)
    #expect(try !isSealed(registry))
    try other.write { try $0.execute(sql: "UPDATE devices SET user = 'other' WHERE name = 'box-7'") }
    #expect(try registry.devices().contains { $0.user.rawValue == "other" })
    try FullRegistry.provision(300, registry)
    try other.close()
    try registry.close()
    let sealed = try Registry.open(home)
    #expect(try isSealed(sealed))
    #expect(try sealed.devices().count == 201)
  }

  @Test func aKillAtAnyMomentLeavesItReadable() throws {
    let older = try #require(try FileReading.bytes(of: home.registry))
    let server = BuiltServer(home: home.path)
    try HostSettings(
      address: "hosta.example", listen: ListenAddress(address: .loopback, port: try TCPPort(2222).unwrapped),
      ports: try FullRegistry.range.unwrapped, sshdMode: .private, account: try Account.current().name
    ).write(home)
    let begin = ContinuousClock.now
    _ = try server.run(["operator", "list"])
    let whole_us = (ContinuousClock.now - begin) / .microseconds(1)
    var unfinished = 0
    for round in 0..<25 {
      RegistryReplacement.remove(home.registry)
      try FileReplacement.write(older, to: home.registry, durable: false)
      let process = try server.start(["operator", "list"])
      usleep(UInt32(whole_us * (0.1 + Double(round) / 25)))
      process.signal(SIGKILL)
      _ = process.result()
      if RegistryFile.firstDamagedPage(home.registry) != 0 { unfinished += 1 }
      let registry = try Registry.open(home)
      #expect(try registry.devices().count == 200 && isSealed(registry), "round \(round)")
      try registry.close()
      #expect(RegistryFile.firstDamagedPage(home.registry) == 0, "round \(round)")
    }
    #expect(unfinished > 0, "the kill came too late each time")
  }
}
