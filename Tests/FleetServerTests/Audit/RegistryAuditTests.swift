import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// The audit in the registry: chained as it is written, and only ever added to.
@Suite struct RegistryAuditTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
  }

  private func add(_ count: Int, to registry: Registry, detail: String? = nil) throws {
    try registry.write { db in
      for number in 0..<count {
        try Registry.audit(.tag, by: alice, now_s: 1000 + Int64(number), detail: detail ?? "number \(number)", db)
      }
    }
  }

  private func check(_ registry: Registry) throws -> AuditReading.Summary {
    try AuditReading(home: home, registry: registry).check()
  }

  private func refusal(_ body: () throws -> Void) -> Refusal? {
    do { try body() } catch { return error as? Refusal }
    return nil
  }

  @Test func rowsOfAnOlderRegistryAreChained() throws {
    do {
      let queue = try DatabaseQueue(path: home.registry)
      try RegistryMigrations.migrator.migrate(queue, upTo: "3")
      try queue.write { db in
        for number in 1...20 {
          try db.execute(
            sql: """
              INSERT INTO audit (at_s, actor, action, device, device_name, remote_address, connection, duration_s, detail)
              VALUES (?, 'älice', 'disconnect', '0f3a5c7e9b1d2f40', 'kitchen-pi', NULL, ?, 3, ?)
              """, arguments: [1000 + number, number % 2 == 0 ? number - 1 : nil, "\"\u{1B}\n\(number)"])
        }
      }
    }
    let registry = try Registry.open(home)
    #expect(try check(registry).count == 20)
    try add(1, to: registry)
    #expect(
      try check(registry)
        == .init(count: 21, rotated: 0, from: Timestamp(seconds: 1001), to: Timestamp(seconds: 1000)))
    let line = try #require(try registry.auditLines(after: 3, limit: 1).lines.first)
    #expect(
      try AuditEntry(parsing: line)
        == AuditEntry(
          number: 4, at: Timestamp(seconds: 1004), actor: "älice", action: "disconnect", device: "0f3a5c7e9b1d2f40",
          name: "kitchen-pi", connection: 3, duration_s: 3, detail: "\"\u{1B}\n4"))
    let indexes = try registry.read { db in
      try String.fetchSet(db, sql: "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'audit'")
    }
    #expect(indexes == ["audit_of_device", "audit_of_device_name", "audit_of_connection"])
  }

  @Test func aRowThatWasMissingBeforeTheChainIsMissing() throws {
    do {
      let queue = try DatabaseQueue(path: home.registry)
      try RegistryMigrations.migrator.migrate(queue, upTo: "3")
      try queue.write { db in
        for _ in 1...5 { try db.execute(sql: "INSERT INTO audit (at_s, actor, action) VALUES (1, 'alice', 'tag')") }
        try db.execute(sql: "DELETE FROM audit WHERE id = 3")
      }
    }
    let found = refusal { _ = try check(Registry.open(home)) }
    #expect(found?.code == .auditBroken && found?.message.contains("entry 3 is missing") == true, "\(found as Any)")
  }

  @Test(arguments: [
    "UPDATE audit SET actor = 'bob' WHERE id = 2", "UPDATE audit SET hash = hash", "DELETE FROM audit WHERE id = 5",
    "DELETE FROM audit", "REPLACE INTO audit SELECT * FROM audit WHERE id = 5",
    "INSERT INTO audit SELECT 9, at_s, actor, action, device, device_name, remote_address, connection, duration_s, bytes_to_device, bytes_from_device, detail, hash FROM audit LIMIT 1",
    // As a program from before the chain would write.
    "INSERT INTO audit (at_s, actor, action) VALUES (1, 'alice', 'tag')",
    "DELETE FROM audit_rotated", "UPDATE audit_rotated SET at_s = 1",
    "INSERT INTO audit_rotated VALUES (5, 'x', 1)",
  ])
  func nothingButAddingIsAllowed(_ statement: String) throws {
    let registry = try Registry.create(home)
    try add(5, to: registry)
    #expect(refusal { try registry.write { try $0.execute(sql: statement) } }?.code == .registryUnavailable)
    #expect(try check(registry).count == 5)
    try add(1, to: registry)
    #expect(try check(registry).count == 6)
  }

  @Test func whatIsRolledBackLeavesNoGap() throws {
    let registry = try Registry.create(home)
    try add(2, to: registry)
    struct Stop: Error {}
    _ = refusal {
      try registry.write { db in
        try Registry.audit(.tag, by: alice, now_s: 1, db)
        throw Stop()
      }
    }
    try registry.write { db in
      try? db.inSavepoint {
        try Registry.audit(.tag, by: alice, now_s: 1, db)
        throw Stop()
      }
      try Registry.audit(.rename, by: alice, now_s: 1, db)
    }
    #expect(try check(registry).count == 3)
  }

  @Test func manyWritersMakeOneChain() throws {
    let registry = try Registry.create(home)
    let home = home
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do {
        let own = try Registry.open(home)
        for _ in 0..<25 { _ = try own.write { try Registry.audit(.tag, by: .host, now_s: 1, $0) } }
      } catch { Issue.record(error) }
    }
    #expect(try check(registry).count == 200)
  }

  @Test func aDetailIsCutBeforeItsLineIsTooLong() throws {
    let registry = try Registry.create(home)
    try add(2, to: registry, detail: String(repeating: "\u{1}é", count: 300_000))
    #expect(try check(registry).count == 2)
    let lines = try registry.auditLines(after: 0, limit: 9).lines
    #expect(lines.allSatisfy { $0.count <= Limits.auditLine })
  }

  @Test func aFaultIsTold() throws {
    let registry = try Registry.create(home)
    try add(5, to: registry)
    try registry.write { db in
      try db.execute(sql: "DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'bob' WHERE id = 4")
    }
    #expect(refusal { _ = try check(registry) }?.message == "the audit is broken: entry 4 was changed")
    try add(1, to: registry)
    #expect(
      refusal { _ = try check(registry) }?.message == "the audit is broken: entry 4 was changed", "and writing goes on")
  }

  @Test func linesComeInPages() throws {
    let registry = try Registry.create(home)
    try add(25, to: registry)
    _ = try AuditRotation(home: home, registry: registry).run(AuditRotationRule(most: 15, kept: 15))
    let reading = AuditReading(home: home, registry: registry)
    for (after, limit, numbers) in [(0, 4, 1...4), (7, 4, 8...11), (9, 4, 10...13), (10, 4, 11...14), (22, 9, 23...25)]
    {
      let page = try reading.page(AuditLinesBody(after: Int64(after), limit: limit))
      #expect(page.lines.map { AuditLine.number(of: $0) } == numbers.map { Int64($0) }, "\(after)")
      #expect(page.last == 25 && page.rotated == 10)
    }
    #expect(try reading.page(AuditLinesBody(after: 25)).lines.isEmpty)
  }
}
