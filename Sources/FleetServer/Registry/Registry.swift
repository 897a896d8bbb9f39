import FleetProtocol
import GRDB
import Glibc

/// The SQLite file that holds what must last: devices, leases, operators, audit, history.
///
/// One connection for one process. Every method throws `registry-busy` or `registry-unavailable` besides its own.
struct Registry {
  /// How long to wait for other writers: a hundred provisions at once on a loaded machine took longer than 5 s.
  static let busyTimeout_s: Double = 25

  private let queue: DatabaseQueue
  /// What must have been done before a change counts: see `KeyFile.change`.
  private var beforeCommit: ((Database) throws -> Void)?

  /// Makes the file and its schema where they are not there. Throws `registry-newer` besides.
  static func create(_ home: Home) throws(Refusal) -> Registry {
    let registry = try Registry(path: home.registry)
    try registry.access { queue in
      _ = try queue.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA journal_mode = WAL") }
    }
    try registry.migrate(home)
    return registry
  }

  /// Throws `not-initialised` and `registry-newer` besides.
  static func open(_ home: Home, busyTimeout_s: Double = busyTimeout_s) throws(Refusal) -> Registry {
    guard Glibc.access(home.registry, F_OK) == 0 else { throw .notInitialised(home) }
    let registry = try Registry(path: home.registry, busyTimeout_s: busyTimeout_s)
    try registry.migrate(home)
    return registry
  }

  private init(path: String, busyTimeout_s: Double = busyTimeout_s) throws(Refusal) {
    var configuration = Configuration()
    configuration.busyMode = .timeout(busyTimeout_s)
    configuration.label = "fleet-server.registry"
    // With NORMAL a power cut takes back a lease that a device was already told.
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    do { queue = try DatabaseQueue(path: path, configuration: configuration) } catch {
      throw RegistryError.refusal(error)
    }
  }

  /// Brings an older schema up to date and refuses one of a newer program.
  private func migrate(_ home: Home) throws(Refusal) {
    let migrator = RegistryMigrations.migrator
    let (isNewer, isComplete) = try read { db in
      (try migrator.hasBeenSuperseded(db), try migrator.hasCompletedMigrations(db))
    }
    guard !isNewer else {
      throw Refusal(
        .registryNewer, "the registry was written by a newer fleet-server than this one (\(FleetVersion.current))",
        hint: "install the newer fleet-server again")
    }
    if isComplete { return }
    guard let lock = try FileLock(path: home.registryLock, wait: .seconds(30)) else {
      throw Refusal(.registryBusy, "another process is changing the registry's schema", hint: "try again in a minute")
    }
    defer { lock.release() }
    try access { try migrator.migrate($0) }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(Refusal) -> Value {
    try access { try $0.read(body) }
  }

  /// Takes the write lock first (BEGIN IMMEDIATE), so that what `body` reads is what it changes.
  func write<Value>(_ body: (Database) throws -> Value) throws(Refusal) -> Value {
    try access { queue in
      try queue.writeWithoutTransaction { db in
        var value: Value?
        try db.inTransaction(.immediate) {
          let changes = db.totalChangesCount
          value = try body(db)
          if db.totalChangesCount != changes { try beforeCommit?(db) }
          return .commit
        }
        guard let value else { throw Refusal(.registryUnavailable, "the registry gave no answer") }
        return value
      }
    }
  }

  /// The same registry; whatever changes it through this one does `step` before it commits, or nothing at all.
  func beforeEachCommit(_ step: @escaping (Database) throws -> Void) -> Registry {
    var registry = self
    registry.beforeCommit = step
    return registry
  }

  private func access<Value>(_ body: (DatabaseQueue) throws -> Value) throws(Refusal) -> Value {
    do { return try body(queue) } catch { throw RegistryError.refusal(error) }
  }
}
