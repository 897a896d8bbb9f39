import FleetProtocol
import GRDB
import Glibc

/// The SQLite file that holds what must last: devices, leases, operators, audit, history.
///
/// One connection for one process. Every method throws `registry-busy`, `registry-unavailable` or `registry-damaged`
/// besides its own.
struct Registry {
  /// How long to wait for other writers: a hundred provisions at once on a loaded machine took longer than 5 s.
  static let busyTimeout_s: Double = 25

  private let queue: DatabaseQueue
  /// What must have been done before a change counts: see `KeyFile.change`.
  private var beforeCommit: ((Database) throws -> Void)?

  /// Makes the file and its schema where they are not there. Throws `registry-newer` besides.
  static func create(_ home: Home) throws(Refusal) -> Registry {
    let registry = try Registry(path: home.registry)
    try registry.makeUsable(home)
    return registry
  }

  /// Throws `not-initialised` and `registry-newer` besides.
  static func open(_ home: Home, busyTimeout_s: Double = busyTimeout_s) throws(Refusal) -> Registry {
    guard Glibc.access(home.registry, F_OK) == 0 else { throw .notInitialised(home) }
    // Before the registry, which never knows less than what was written because of it.
    let rendered = KeyFile.change(home: home)
    let registry = try Registry(path: home.registry, busyTimeout_s: busyTimeout_s)
    let condition = try registry.read { try Condition($0) }
    // SQLite takes a file that was cut to nothing for a new one.
    guard !condition.steps.isEmpty else { throw RegistryError.damaged("the registry is empty") }
    try registry.migrate(home, from: condition)
    guard try registry.read({ try Self.change($0) }) >= rendered else {
      throw RegistryError.damaged("the registry has lost changes that the key file knows of")
    }
    if condition.isMarked { return registry }
    return try registry.sealed(home, condition, busyTimeout_s: busyTimeout_s)
  }

  /// A registry's file anywhere, as it is.
  init(path: String, busyTimeout_s: Double = busyTimeout_s) throws(Refusal) {
    var configuration = RegistryFile.configuration
    configuration.busyMode = .timeout(busyTimeout_s)
    configuration.label = "fleet-server.registry"
    do { queue = try DatabaseQueue(path: RegistryFile.uri(path), configuration: configuration) } catch {
      throw RegistryError.refusal(error)
    }
  }

  func close() throws(Refusal) { try access { try $0.close() } }

  /// Makes a registry of a file that is new, or a copy from a backup. Throws `registry-newer` besides.
  func makeUsable(_ home: Home) throws(Refusal) {
    try access { queue in
      _ = try queue.writeWithoutTransaction { try String.fetchOne($0, sql: "PRAGMA journal_mode = WAL") }
    }
    try migrate(home, from: try read { try Condition($0) })
    try write { try RegistryFile.mark(.registry, $0) }
  }

  /// What is asked of a registry when it is opened.
  private struct Condition {
    var steps: Set<String>
    var isSealed: Bool
    /// Whether the file says in the second place, too, that it is sealed.
    var isMarked: Bool

    init(_ db: Database) throws {
      steps = try RegistryMigrations.migrator.appliedIdentifiers(db)
      isMarked = try RegistryFile.isMarked(.registry, db)
      isSealed = RegistryFile.isSealed(db)
    }
  }

  /// Brings an older schema up to date and refuses one of a newer program.
  private func migrate(_ home: Home, from condition: Condition) throws(Refusal) {
    let migrator = RegistryMigrations.migrator
    let known = Set(migrator.migrations)
    guard condition.steps.isSubset(of: known) else {
      throw Refusal(
        .registryNewer, "the registry was written by a newer fleet-server than this one (\(FleetVersion.current))",
        hint: "install the newer fleet-server again")
    }
    if condition.steps == known { return }
    guard let lock = try FileLock(path: home.registryLock, wait: .seconds(30)) else {
      throw Refusal(.registryBusy, "another process is changing the registry's schema", hint: "try again in a minute")
    }
    defer { lock.release() }
    try access { try migrator.migrate($0) }
  }

  /// An older registry with seals where nobody else has it open; where somebody has, as it is, until one is alone.
  private func sealed(_ home: Home, _ condition: Condition, busyTimeout_s: Double) throws(Refusal) -> Registry {
    guard let lock = try? FileLock(path: home.registryLock, wait: .seconds(1)) else { return self }
    defer { lock.release() }
    var registry = self
    if !condition.isSealed {
      try close()
      try RegistryFile.seal(home.registry)
      registry = try Registry(path: home.registry, busyTimeout_s: busyTimeout_s)
    }
    // Not in the same step, and before it the file would be neither the one nor the other.
    if try registry.read({ try Condition($0).isSealed }) { try registry.write { try RegistryFile.mark(.registry, $0) } }
    return registry
  }

  /// The number of the latest change that stands in the audit. It only grows.
  static func change(_ db: Database) throws -> Int64 {
    let sql = "SELECT coalesce((SELECT MAX(id) FROM audit), (SELECT number FROM audit_rotated))"
    return try Int64.fetchOne(db, sql: sql) ?? 0
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
          try RegistryFile.requireInPlace(db)
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

  /// Writes a copy as of one moment into an empty file, while others go on.
  func copy(to path: String) throws(Refusal) {
    try access { queue in
      try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [RegistryFile.uri(path)]) }
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
