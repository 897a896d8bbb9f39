import FleetProtocol
import GRDB

extension Registry {
  /// What SQLite finds wrong in the file, the first few of it; nothing for a file that is whole.
  func complaints() throws(Refusal) -> [String] {
    try read { db in
      let found = try String.fetchAll(db, sql: "PRAGMA quick_check(5)").filter { $0 != "ok" }
      let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { row in
        "a row of \(row["table"] as String? ?? "a table") speaks of one that is not there"
      }
      return found + Set(orphans).sorted()
    }
  }

  /// The latest moment of which a row tells.
  func newestRow_s() throws(Refusal) -> Int64? {
    try read { db in
      try Int64.fetchOne(
        db,
        sql: """
          SELECT MAX(at_s) FROM (
            SELECT MAX(provisioned_s) AS at_s FROM devices UNION ALL SELECT MAX(last_seen_s) FROM devices
            UNION ALL SELECT MAX(added_s) FROM operators
            UNION ALL SELECT at_s FROM (SELECT at_s FROM presence ORDER BY id DESC LIMIT 1)
          )
          """)
    }
  }

  /// Who may come in, as the key file should have it.
  func wantedKeys(now_s: Int64) throws(Refusal) -> KeyFileEvidence.Wanted {
    let (entries, names) = try renderedEntries(now_s: now_s)
    return KeyFileEvidence.Wanted(
      devices: entries.devices, names: names, operators: entries.operators, enrollKeys: entries.enrollKeys,
      knownEnrollKeys: Set(try enrollKeys().map(\.id.rawValue)))
  }
}
