import FleetProtocol
import GRDB
import Glibc

/// A change of the registry and of the key file that follows from it: both, or neither.
extension KeyFile {
  /// Changes the registry by `body`. Before that counts, the key file as it will be is whole on the disk beside the
  /// present one, so that a full disk refuses the change as a whole; afterwards it only takes the present one's place.
  /// A process that ends in between leaves it there, which is the sign by which the next one mends (`mend`).
  ///
  /// - Parameter concerns: whether what `body` answers must be seen in the key file.
  func change<Value>(
    _ registry: Registry, where concerns: (Value) -> Bool = { _ in true }, _ body: (Registry) throws(Refusal) -> Value
  ) throws(Refusal) -> Value {
    let pending = PendingKeyFile(self)
    defer { pending.release() }
    let value: Value
    do throws(Refusal) { value = try body(registry.beforeEachCommit { try pending.prepare($0) }) } catch {
      pending.drop()
      throw error
    }
    guard pending.isPrepared else {
      // Nothing was changed; an earlier request may have been cut off behind its commit.
      if concerns(value) { try update(from: registry) }
      return value
    }
    try pending.putInPlace()
    return value
  }

  /// Makes up what a process has left undone that ended between the registry and the key file. Where that cannot be
  /// now, the next one does it.
  func mend(from registry: Registry) {
    if access(FileReplacement.beside(path), F_OK) == 0 { try? update(from: registry) }
  }

  /// The same for whoever has not read the settings.
  static func mend(_ home: Home, from registry: Registry) {
    guard let settings = try? HostSettings.read(home), let account = try? Account.current(),
      let keyFile = try? KeyFile(home: home, settings: settings, account: account)
    else { return }
    keyFile.mend(from: registry)
  }
}

/// The key file as it will be when a transaction is through. Its lock is held from then on.
private final class PendingKeyFile {
  private let keyFile: KeyFile
  private var lock: FileLock?
  private var prepared: FileReplacement.Prepared?
  private(set) var isPrepared = false

  init(_ keyFile: KeyFile) { self.keyFile = keyFile }

  func prepare(_ db: Database) throws {
    if lock == nil { lock = try keyFile.lock() }
    prepared = try keyFile.prepare(try keyFile.text(db))
    // Else a power cut could take the sign that there is something to mend.
    if prepared != nil { try FileReplacement.synchroniseFolder(of: keyFile.path) }
    isPrepared = true
  }

  func putInPlace() throws(Refusal) { try prepared?.putInPlace() }

  func drop() { prepared?.drop() }

  func release() { lock?.release() }
}
