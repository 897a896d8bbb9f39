import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// A damaged registry is refused, or the damage is where it means nothing; it is never taken for another content.
@Suite struct RegistryDamageTests {
  private let folder: TemporaryFolder
  private let full: FullRegistry

  init() throws {
    folder = try TemporaryFolder()
    full = try FullRegistry(in: folder)
  }

  private func code(_ body: () throws -> Void) throws -> Refusal.Code? {
    do { try body() } catch let refusal as Refusal { return refusal.code }
    return nil
  }

  /// Reads all, changes something and reads all again, each as it would be without damage or refused as damaged.
  private func expectUndeceived(_ what: String, _ before: FullRegistry.Reading, _ after: FullRegistry.Reading) throws
    -> Bool
  {
    let refused = try code {
      let registry = try Registry.open(full.home)
      let read = try FullRegistry.Reading(registry)
      #expect(read == before, "\(what)")
      try FullRegistry.provision(99, registry)
      let changed = try FullRegistry.Reading(registry)
      #expect(changed == after, "\(what)")
    }
    #expect(refused == nil || refused == .registryDamaged, "\(what)")
    return refused != nil
  }

  @Test func aThousandMutationsAreNoticed() throws {
    let earlier = try full.files()
    do {
      let registry = try Registry.open(full.home)
      for number in 41...45 { try FullRegistry.provision(number, registry) }
      try full.keyFile.update(from: registry)
      try registry.close()
    }
    let whole = try full.files()
    #expect(whole["-wal"]?.isEmpty != false)
    let before = try FullRegistry.Reading(try Registry.open(full.home))
    let changing = try Registry.open(full.home)
    try FullRegistry.provision(99, changing)
    let after = try FullRegistry.Reading(changing)
    try changing.close()

    var numbers = SeededNumbers(state: 6)
    var refused = 0
    for number in 1...1000 {
      var files = whole
      let what = FileMutation.apply(to: &files["", default: []], earlier: try #require(earlier[""]), with: &numbers)
      try full.put(files)
      if try expectUndeceived("mutation \(number): \(what)", before, after) { refused += 1 }
    }
    // Some changed nothing, or a page that nobody reads.
    #expect(refused > 700, "\(refused) of 1,000 were refused")
    try full.put(whole)
    #expect(try FullRegistry.Reading(try Registry.open(full.home)) == before)
  }

  /// The last changes of a killed program stand in the log beside the registry. Of a damaged log SQLite drops the end
  /// without a word, and the key file would lose devices.
  @Test func aDamagedLogIsNoticedByTheKeyFile() throws {
    let registry = try Registry.open(full.home)
    for number in 41...50 { try FullRegistry.provision(number, registry) }
    // A change that stands in the audit, as each does but a device's coming and going.
    _ = try registry.rekey(try DeviceName(validating: "box-50"), by: .host, now_s: 4)
    try full.keyFile.update(from: registry)
    let whole = try full.files()
    let before = try FullRegistry.Reading(registry)
    try FullRegistry.provision(99, registry)
    let after = try FullRegistry.Reading(registry)
    try registry.close()

    var numbers = SeededNumbers(state: 7)
    var refused = 0
    let log = try #require(whole["-wal"])
    #expect(log.count > 10 * FileMutation.pageSize)
    for number in 1...150 {
      var files = whole
      let what = FileMutation.apply(to: &files["-wal", default: []], earlier: log, with: &numbers)
      try full.put(files)
      if try expectUndeceived("mutation \(number) of the log: \(what)", before, after) { refused += 1 }
    }
    #expect(refused > 100, "\(refused) of 150 were refused")
  }

  @Test func anEarlierRegistryInItsPlaceIsNoticed() throws {
    let earlier = try full.files()
    let registry = try Registry.open(full.home)
    try FullRegistry.provision(41, registry)
    try full.keyFile.update(from: registry)
    try registry.close()
    try full.put(earlier)
    #expect(try code { _ = try Registry.open(full.home) } == .registryDamaged)
    // Nothing rendered from it, so nobody was locked out.
    #expect(KeyFile.deviceCount(home: full.home) == 41)
  }

  /// A change that has begun in a file that was replaced is refused, and so is a key file made from it.
  @Test func aReplacedRegistryIsChangedNoMore() throws {
    let old = try Registry.open(full.home)
    try full.put(try full.files())
    #expect(try code { try FullRegistry.provision(41, old) } == .registryBusy)
    #expect(try code { try full.keyFile.update(from: old) } == .registryBusy)
    // Nor does its end touch what belongs to the new one.
    let new = try Registry.open(full.home)
    try FullRegistry.provision(42, new)
    try old.close()
    #expect(FileManager.default.fileExists(atPath: full.home.registry + "-wal"))
    #expect(try Registry.open(full.home).devices().count == 41)
  }

  @Test func anySQLiteReadsTheRegistryAndItsLog() throws {
    let registry = try Registry.open(full.home)
    try FullRegistry.provision(41, registry)
    // As after a kill, and read by somebody who then moves the log into the file.
    let copy = folder.path + "/copy.db"
    for (suffix, content) in try full.files() {
      try FileReplacement.write(content, to: copy + suffix, durable: false)
    }
    let stock = try DatabaseQueue(path: copy)
    #expect(try stock.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM devices") } == 41)
    #expect(try stock.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    try stock.close()
    #expect(!FileManager.default.fileExists(atPath: copy + "-wal"))
    #expect(RegistryFile.firstDamagedPage(copy) == 0)
    #expect(try Registry(path: copy).devices() == registry.devices())
  }

  /// A transaction that is larger than SQLite's memory for it writes some pages twice.
  @Test func aLargeChangeIsSealedToo() throws {
    let registry = try Registry.open(full.home)
    try registry.read { try $0.execute(sql: "PRAGMA cache_size = 10") }
    for round in 1...3 {
      try registry.write { db in
        try db.execute(sql: "CREATE TABLE IF NOT EXISTS large (text TEXT NOT NULL)")
        for _ in 1...100 {
          try db.execute(sql: "INSERT INTO large VALUES (?)", arguments: [String(repeating: "x", count: 900)])
        }
        try db.execute(sql: "UPDATE large SET text = text || ?", arguments: ["\(round)"])
      }
    }
    let copy = folder.path + "/copy.db"
    for (suffix, content) in try full.files() {
      try FileReplacement.write(content, to: copy + suffix, durable: false)
    }
    #expect(try Registry(path: copy).read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    try registry.close()
    #expect(RegistryFile.firstDamagedPage(full.home.registry) == 0)
  }
}
