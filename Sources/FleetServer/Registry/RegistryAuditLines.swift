import FleetProtocol
import GRDB

/// The audit as it is chained: for whoever checks it, and for its rotation.
extension Registry {
  /// Lines of the audit, and how far it goes in the registry and in the files.
  struct AuditLines {
    var lines: [[UInt8]] = []
    /// The entry in the last line, and its time.
    var reached: (head: AuditHead, at_s: Int64)?
    /// The last entry that there is.
    var head: AuditHead
    /// The last entry that lies in a file.
    var rotated: AuditHead
  }

  /// The entries behind a number and up to another that lie in the registry, at most `limit` and not much more than so
  /// many bytes.
  func auditLines(after: Int64, upTo last: Int64 = .max, limit: Int, bytes: Int = .max) throws(Refusal) -> AuditLines {
    try read { db in
      var found = AuditLines(head: try Self.auditHead(db), rotated: try Self.rotatedHead(db))
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM audit WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        arguments: [max(after, found.rotated.number), last, limit])
      var size = 0
      while size < bytes, let row = try rows.next() {
        let line = AuditLine.bytes(text: AuditEntry(row).text, hash: row["hash"])
        found.lines.append(line)
        found.reached = (AuditHead(number: row["id"], hash: row["hash"]), row["at_s"])
        size += line.count
      }
      return found
    }
  }

  /// The first and the last number that lie in the registry; `nil` where none does.
  func auditNumbers() throws(Refusal) -> ClosedRange<Int64>? {
    try read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT (SELECT MIN(id) FROM audit), (SELECT MAX(id) FROM audit)"),
        let first = row[0] as Int64?, let last = row[1] as Int64?
      else { return nil }
      return first...last
    }
  }

  /// Takes out the entries up to `head`, which lie in a file from now on, if the rotation has come to `before` still.
  func forgetRotated(upTo head: AuditHead, at_s: Int64, before: AuditHead) throws(Refusal) {
    try write { db in
      guard try Self.rotatedHead(db) == before else { return }
      try db.execute(
        sql: "UPDATE audit_rotated SET number = ?, hash = ?, at_s = ?", arguments: [head.number, head.hash, at_s])
      try db.execute(sql: "DELETE FROM audit WHERE id <= ?", arguments: [head.number])
    }
  }
}
