import CRegistryFile
import FleetProtocol
import GRDB

/// The file below the registry: SQLite's, with a seal in each page that is compared at each read.
///
/// SQLite by itself does not notice a changed byte in a row. A key or a port that nobody wrote would go into the key file
/// and lock a device out for good.
enum RegistryFile {
  /// How a connection to a registry or a backup is set up.
  static var configuration: Configuration {
    var configuration = Configuration()
    configuration.prepareDatabase { db in
      try check(cregistryfile_prepare(db.sqliteConnection))
      // With NORMAL a power cut takes back a lease that a device was already told.
      try db.execute(sql: "PRAGMA synchronous = FULL")
    }
    return configuration
  }

  /// The path as SQLite is told it, so that it goes through the layer that knows seals.
  static func uri(_ path: String) -> String {
    _ = cregistryfile_register()
    var text = "file:"
    for byte in path.utf8 {
      let isPlain = byte > 0x20 && byte < 0x7F && !"%?#".utf8.contains(byte)
      if isPlain {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text + "?vfs=" + CREGISTRYFILE_VFS
  }

  /// Whether the pages have seals; of a registry from before there were seals they have not.
  static func isSealed(_ db: Database) -> Bool { cregistryfile_is_sealed(db.sqliteConnection) != 0 }

  /// What the file is: a registry or a backup.
  enum Kind {
    case registry
    case backup

    fileprivate var id: Int32 { self == .registry ? CREGISTRYFILE_REGISTRY_ID : CREGISTRYFILE_BACKUP_ID }
  }

  static func isMarked(_ kind: Kind, _ db: Database) throws -> Bool {
    try Int32.fetchOne(db, sql: "PRAGMA application_id") == kind.id
  }

  /// Says in a second place that the file is sealed, so that damage in one never makes it look like an older one.
  static func mark(_ kind: Kind, _ db: Database) throws { try db.execute(sql: "PRAGMA application_id = \(kind.id)") }

  /// Throws `registry-busy` where another file has taken the place of the one that the connection opened.
  static func requireInPlace(_ db: Database) throws {
    guard cregistryfile_has_moved(db.sqliteConnection) == 0 else {
      throw Refusal(.registryBusy, "the registry was restored at this moment", hint: "try again")
    }
  }

  /// Gives an older registry its seals, unless anybody else has it open. Throws `registry-damaged` for one that SQLite
  /// itself cannot read.
  static func seal(_ path: String) throws(Refusal) {
    do { try check(cregistryfile_seal(uri(path))) } catch {
      let refusal = RegistryError.refusal(error)
      if refusal.code == .registryDamaged { throw refusal }
    }
  }

  /// The first page whose seal is wrong, in a file that nobody writes; 0 for none, `nil` where it is no file with seals.
  static func firstDamagedPage(_ path: String) -> Int64? {
    let page = cregistryfile_first_damaged_page(path)
    return page < 0 ? nil : page
  }

  private static func check(_ result: Int32) throws {
    guard result == 0 else { throw DatabaseError(resultCode: ResultCode(rawValue: result)) }
  }
}
