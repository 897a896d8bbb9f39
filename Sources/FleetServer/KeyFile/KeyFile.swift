import FleetProtocol
import GRDB
import Glibc

/// The file from which sshd learns who may come in: our own, or our block in the account's.
struct KeyFile {
  let home: Home
  let mode: HostSettings.SSHDMode
  let command: ForcedCommand
  let path: String

  /// Throws `home-unusable` when the program's path cannot stand in a key line.
  init(home: Home, settings: HostSettings, account: Account, executable: String? = nil) throws(Refusal) {
    self.home = home
    mode = settings.sshdMode
    var program = executable
    if program == nil { program = try SafePath.ownExecutable() }
    let isFoundAlone = mode == .private || home == Home.accountDefault(homeFolder: account.homeFolder)
    command = ForcedCommand(executable: program ?? "", home: isFoundAlone ? nil : home.path)
    path = Self.path(home: home, mode: mode, accountFolder: account.homeFolder)
  }

  private static func path(home: Home, mode: HostSettings.SSHDMode, accountFolder: String) -> String {
    guard mode == .system else { return home.authorizedKeys }
    let path = accountFolder + "/.ssh/authorized_keys"
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Makes the file what the registry says. Whoever changes the registry calls this after the commit; when that was
  /// missed, the next call mends it.
  ///
  /// The registry is read inside the lock, so that an older state never replaces a newer one.
  func update(from registry: Registry) throws(Refusal) {
    let lock = try lock()
    defer { lock.release() }
    try write(from: registry)
  }

  /// The same for whoever holds the lock.
  func write(from registry: Registry) throws(Refusal) {
    let wanted = try registry.read { db in
      try RegistryFile.requireInPlace(db)
      return try text(db)
    }
    let prepared = try prepare(wanted)
    do throws(Refusal) { try prepared?.putInPlace() } catch {
      prepared?.drop()
      throw error
    }
  }

  /// Whoever holds it is the only one that writes the file. Who changes the registry, too, takes its lock before this one.
  func lock() throws(Refusal) -> FileLock {
    guard let lock = try FileLock(path: home.keyFileLock, wait: .seconds(15)) else {
      throw Refusal(
        .ioFailed, "another process has been writing the key file for 15 s", hint: "run the same command again")
    }
    return lock
  }

  /// What our part of the file should be.
  func text(_ db: Database) throws -> String {
    let entries = try Registry.keyFileEntries(now_s: Int64(time(nil)), db)
    return KeyFileText.render(
      devices: entries.devices, operators: entries.operators, enrollKeys: entries.enrollKeys,
      change: try Registry.change(db), command: command)
  }

  /// Writes the new file beside the old one; `nil` where the old one is as it should be. The caller holds the lock.
  func prepare(_ text: String) throws(Refusal) -> FileReplacement.Prepared? {
    let present = try FileReading.bytes(of: path) ?? []
    func whole(_ text: String) throws(Refusal) -> [UInt8] {
      mode == .system ? try ManagedBlock.replacing(in: present, with: text.utf8) : Array(text.utf8)
    }
    // A change that concerns no key is no reason to write.
    let known = KeyFileText.change(in: present).map { KeyFileText.withChange($0, text) } ?? text
    let isKnown = try whole(known) == present
    guard !isKnown || access(path, F_OK) != 0 else {
      unlink(FileReplacement.beside(path))
      return nil
    }
    if mode == .system { try makeSSHFolder() }
    return try FileReplacement.prepare(try whole(text), for: path, durable: true)
  }

  /// Throws `key-taken` for a key that stands in the account's own part of the file.
  func refuseForeign(_ key: PublicKey) throws(Refusal) {
    if let refusal = try foreignRefusals(of: [key]).first { throw refusal.value }
  }

  /// The refusals of those keys that stand in the account's own part of the file, which is read once.
  func foreignRefusals(of keys: some Sequence<PublicKey>) throws(Refusal) -> [PublicKey: Refusal] {
    guard mode == .system, let file = try FileReading.bytes(of: path) else { return [:] }
    let foreign = try ManagedBlock.wordsOutside(file)
    var refusals: [PublicKey: Refusal] = [:]
    for key in keys where foreign.contains(Array(key.base64.utf8)) {
      refusals[key] = Refusal(
        .keyTaken, "the key stands in \(path) already, outside fleet-server's block",
        hint: "use another key, or remove that line")
    }
    return refusals
  }

  private func makeSSHFolder() throws(Refusal) {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    if mkdir(folder, 0o700) != 0, errno != EEXIST { throw .systemCall("\(folder) cannot be made") }
  }

  /// How many devices the key file names; `nil` where that cannot be read.
  static func deviceCount(home: Home) -> Int? { head(home: home).flatMap { KeyFileText.deviceCount(in: $0) } }

  /// The registry's latest change that the key file knows of; 0 where it does not tell.
  static func change(home: Home) -> Int64 { head(home: home).flatMap { KeyFileText.change(in: $0) } ?? 0 }

  /// Of our own file the first line, of a file with a block of ours everything: what stands before the block must be read.
  private static func head(home: Home) -> [UInt8]? {
    guard let settings = try? HostSettings.read(home) else { return nil }
    if settings.sshdMode == .private { return FileReading.head(of: home.authorizedKeys, count: 256) }
    guard let folder = getenv("HOME") else { return nil }
    let file = path(home: home, mode: .system, accountFolder: String(cString: folder))
    return (try? FileReading.bytes(of: file)).flatMap { $0 }
  }
}
