import FleetProtocol
import GRDB
import Glibc

/// A backup, read and found whole: one SQLite file, the registry as it was at one moment, with the other files of HostA in a
/// table of its own. Each of its pages has a seal, so that not one byte of it changes unseen.
struct Backup {
  var path: String
  var made: Timestamp
  /// The fleet-server that made it.
  var version: String
  var settings: HostSettings
  /// The private sshd's key and its public half; empty where the machine's sshd has one of its own.
  var hostKeys: [BackupFile: String]
  var devices: Int
  var operators: Int
  var enrollKeys: Int

  /// Throws `backup-unusable`, `registry-newer`, and `io-failed` for a file that cannot be read.
  static func read(_ path: String) throws(Refusal) -> Backup {
    let shown = DisplayText.escaped(path, limit: 200)
    guard access(path, R_OK) == 0 else { throw .systemCall("\(shown) cannot be read") }
    guard isBackup(path), let damaged = RegistryFile.firstDamagedPage(path) else {
      throw Refusal(
        .backupUnusable, "\(shown) is no backup of fleet-server, or its beginning is damaged",
        hint: "give a file that 'fleet-server backup FILE' has written")
    }
    guard damaged == 0 else {
      throw Refusal(
        .backupUnusable, "\(shown) is damaged, first in its page \(damaged)", hint: "take an earlier backup")
    }
    do { return try open(path).read { try Backup(path: path, $0) } } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw Refusal(
        .backupUnusable, "\(shown) is not understood: \(DisplayText.escaped("\(error)", limit: 200))",
        hint: "take an earlier backup")
    }
  }

  private init(path: String, _ db: Database) throws {
    guard let row = try Row.fetchOne(db, sql: "SELECT made_s, version FROM backup") else {
      throw JSONError("it does not say when it was made")
    }
    self.path = path
    made = Timestamp(seconds: row["made_s"])
    version = row["version"]
    var files: [BackupFile: String] = [:]
    for file in BackupFile.allCases {
      files[file] = try String.fetchOne(
        db, sql: "SELECT content FROM backup_files WHERE name = ?", arguments: [file.rawValue])
    }
    settings = try HostSettings(parsing: (files.removeValue(forKey: .settings) ?? "").utf8)
    hostKeys = files
    devices = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM devices") ?? 0
    operators = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM operators") ?? 0
    enrollKeys = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM enroll_keys") ?? 0
    guard try !RegistryMigrations.migrator.hasBeenSuperseded(db) else {
      throw Refusal(
        .registryNewer, "the backup was made by a newer fleet-server (\(DisplayText.escaped(version, limit: 40)))",
        hint: "install that one here first")
    }
    guard try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok" else {
      throw JSONError("it contradicts itself")
    }
  }

  /// Writes the registry that is in the backup into an empty file.
  func copyRegistry(to path: String) throws(Refusal) {
    do {
      let queue = try Self.open(self.path)
      try queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [RegistryFile.uri(path)]) }
      try queue.close()
      let copy = try DatabaseQueue(path: RegistryFile.uri(path), configuration: RegistryFile.configuration)
      try copy.write { try $0.execute(sql: "DROP TABLE backup; DROP TABLE backup_files") }
      try copy.close()
    } catch {
      throw RegistryError.refusal(error)
    }
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    var configuration = RegistryFile.configuration
    configuration.readonly = true
    return try DatabaseQueue(path: RegistryFile.uri(path), configuration: configuration)
  }

  /// Whether the file says that it is a backup, be it whole or not.
  static func isBackup(_ path: String) -> Bool {
    guard let head = FileReading.head(of: path, count: 72), head.count == 72 else { return false }
    return head.starts(with: "SQLite format 3".utf8) && head[68...].elementsEqual("FLBK".utf8)
  }
}

/// The files of HostA that a backup has beside the registry.
enum BackupFile: String, CaseIterable {
  case settings = "fleet-server.json"
  case hostKey = "ssh_host_ed25519_key"
  case hostPublicKey = "ssh_host_ed25519_key.pub"

  func path(_ home: Home) -> String { "\(home.path)/\(rawValue)" }
}
