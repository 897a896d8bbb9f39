import FleetProtocol
import GRDB
import Glibc

/// `fleet-server backup FILE`: writes what another machine needs to be this HostA, while everything goes on.
struct HostBackup {
  let home: Home

  /// Throws `backup-unusable` when what was written is not whole, and `io-failed`, for a file that is there and no backup too.
  func write(to path: String) throws(Refusal) -> Backup {
    var status = stat()
    if lstat(path, &status) == 0, !Backup.isBackup(path) {
      throw Refusal(
        .ioFailed, "\(DisplayText.escaped(path, limit: 200)) is there already and is no backup",
        hint: "give another name")
    }
    let home = try HomeFolder.check(home)
    let settings = try HostSettings.read(home)
    let registry = try Registry.open(home)
    // What a killed backup left is used again.
    let beside = path + ".new"
    guard let lock = try FileLock(path: beside, wait: .zero) else {
      throw Refusal(.alreadyRunning, "another backup is writing \(DisplayText.escaped(beside, limit: 200))")
    }
    defer { lock.release() }
    do throws(Refusal) {
      guard chmod(beside, 0o600) == 0, truncate(beside, 0) == 0 else {
        throw .systemCall("\(beside) cannot be written")
      }
      try registry.copy(to: beside)
      try addFiles(to: beside, settings)
      var backup = try Backup.read(beside)
      try FileReplacement.put(beside, inPlaceOf: path)
      backup.path = path
      return backup
    } catch {
      unlink(beside)
      throw error
    }
  }

  private func addFiles(to path: String, _ settings: HostSettings) throws(Refusal) {
    var files: [BackupFile: String] = [:]
    for file in settings.sshdMode == .private ? BackupFile.allCases : [.settings] {
      guard let content = try FileReading.bytes(of: file.path(home), limit: 1 << 20) else {
        throw Refusal(
          .ioFailed, "\(file.path(home)) is not there", hint: "without it nobody would know the restored HostA")
      }
      files[file] = String(decoding: content, as: UTF8.self)
    }
    do {
      let queue = try DatabaseQueue(path: RegistryFile.uri(path), configuration: RegistryFile.configuration)
      try queue.write { db in
        try db.execute(
          sql: """
            CREATE TABLE backup (made_s INTEGER NOT NULL, version TEXT NOT NULL) STRICT;
            CREATE TABLE backup_files (name TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL) STRICT;
            """)
        try db.execute(
          sql: "INSERT INTO backup VALUES (?, ?)", arguments: [Int64(time(nil)), FleetVersion.current])
        for (file, content) in files {
          try db.execute(
            sql: "INSERT INTO backup_files VALUES (?, ?)", arguments: [file.rawValue, content])
        }
        try RegistryFile.mark(.backup, db)
      }
      try queue.close()
    } catch {
      throw RegistryError.refusal(error)
    }
  }
}
