import FleetProtocol
import GRDB
import Glibc

/// Puts another file in the registry's place while processes may have the old one open.
///
/// They share its write-ahead log and its memory by name, so neither may be left for the new file; and a change that one of
/// them has begun must not be lost in a file that nobody finds any more. So the old file is locked for writing while it
/// is replaced, and whoever gets the lock afterwards sees that it is another one (`RegistryFile.requireInPlace`).
struct RegistryReplacement {
  private let home: Home
  private let old: HeldRegistry?

  /// Waits until nobody changes the registry, and keeps it so. Throws `registry-busy`.
  init(_ home: Home) throws(Refusal) {
    self.home = home
    old = try Self.hold(home)
  }

  /// Puts the file at `beside` in its place.
  func put(_ beside: String) throws(Refusal) {
    Self.removeCompanions(beside)
    Self.removeCompanions(home.registry)
    try FileReplacement.put(beside, inPlaceOf: home.registry)
  }

  func release() { try? old?.rollBack() }

  static func remove(_ path: String) {
    unlink(path)
    removeCompanions(path)
  }

  private static func removeCompanions(_ path: String) {
    for suffix in ["-wal", "-shm", "-journal"] { unlink(path + suffix) }
  }

  /// The old registry with nothing left in its log, locked for writing; `nil` where it is not there or so damaged that nobody
  /// can write to it.
  private static func hold(_ home: Home) throws(Refusal) -> HeldRegistry? {
    guard access(home.registry, F_OK) == 0 else { return nil }
    let deadline = ContinuousClock.now + .seconds(Registry.busyTimeout_s)
    while true {
      do throws(Refusal) {
        let held = try HeldRegistry(home)
        // A change has come between the two steps, or a reader needs the log; a damaged registry is given up with its log.
        if held.isLogEmpty || held.isDamaged { return held }
        try? held.rollBack()
      } catch {
        switch error.code {
        case .registryDamaged: return nil
        case .registryBusy: break
        default: throw error
        }
      }
      guard ContinuousClock.now < deadline else {
        throw Refusal(
          .registryBusy, "another process keeps the registry locked",
          hint: "try again; on HostA, 'fuser registry.db' names who holds it")
      }
      usleep(20_000)
    }
  }
}

/// A registry in which nobody else can change anything.
private final class HeldRegistry {
  private let queue: DatabaseQueue
  let isDamaged: Bool
  let isLogEmpty: Bool

  init(_ home: Home) throws(Refusal) {
    var configuration = RegistryFile.configuration
    configuration.busyMode = .timeout(1)
    configuration.allowsUnsafeTransactions = true
    do {
      let queue = try DatabaseQueue(path: RegistryFile.uri(home.registry), configuration: configuration)
      self.queue = queue
      isDamaged = try queue.writeWithoutTransaction { db in
        do {
          _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
          return false
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
          return true
        }
      }
      try queue.writeWithoutTransaction { try $0.beginTransaction(.immediate) }
    } catch {
      throw RegistryError.refusal(error)
    }
    var log = stat()
    isLogEmpty = stat(home.registry + "-wal", &log) != 0 || log.st_size == 0
  }

  func rollBack() throws {
    try queue.writeWithoutTransaction { try $0.rollback() }
    try queue.close()
  }
}
