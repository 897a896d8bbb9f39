import FleetProtocol
import Foundation
import GRDB
import Testing

/// The laptop watches over HostA's audit, also when somebody writes to HostA's files who knows how the audit is made.
@Suite(.serialized) struct AuditChainTests {
  @Test func whateverIsDoneToTheAuditTheLaptopTells() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.hostKeysAreKnown()
      try lab.fleetSucceeds("ssh", "kitchen-pi", "true")
      lab.endMasters()
      try eventually("the session has ended in the audit", within: 30) {
        try lab.registryRows("SELECT * FROM audit WHERE action = 'disconnect'").count == 1
      }
      try lab.fleetSucceeds("tag", "kitchen-pi", "site=berlin")

      // Nothing is wrong; anybody can compute the hashes with nothing of ours.
      let first = try lab.verified()
      let count = try #require(first["entries"] as? Int)
      #expect(count >= 6 && first["last"] as? Int == count && first["looked"] is NSNull)
      try lab.fleetSucceeds("tag", "kitchen-pi", "floor=2")
      #expect(try lab.fleetSucceeds("log", "--verify", "--new").hasPrefix("✓ 1 new entry from "))
      #expect(try lab.fleetSucceeds("log", "--verify", "--new").hasPrefix("✓ no new entry; "))
      #expect(try lab.hashesByHand() == lab.hashes())
      #expect(
        try lab.succeed(lab.hostA, ["fleet-server", "audit", "verify"]).hasPrefix("\(count + 1) entries from "))

      // Somebody with access to the files.
      try lab.attack(
        """
        CREATE TABLE honest AS SELECT * FROM audit;
        DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_kept; DROP TRIGGER audit_has_no_gap;
        """)
      let again = "DELETE FROM audit; INSERT INTO audit SELECT * FROM honest ORDER BY id;"
      let latest = count + 1
      let then = " when this laptop looked last"
      for (attack, sentence, isSeenOnHostA) in [
        ("UPDATE audit SET actor = 'mallory' WHERE id = 3", "entry 3 was changed", true),
        ("DELETE FROM audit WHERE id IN (2, 3)", "entries 2 to 3 are missing", true),
        ("DELETE FROM audit WHERE id = 1", "entry 1 is missing", true),
        (
          "DELETE FROM audit WHERE id = 2; UPDATE audit SET id = id - 1 WHERE id > 2", "entry 2 was changed", true
        ),
        (
          "DELETE FROM audit WHERE id > \(latest - 2)",
          "the log ends at entry \(latest - 2) and went to \(latest)\(then)", false
        ),
        (try lab.chainAnew(actor: "mallory", in: 3), "entry \(latest) is not what it was\(then)", false),
      ] {
        try lab.attack(attack)
        let told = try lab.fleet("log", "--verify")
        #expect(told.status == 1 && told.error.contains("fleet: the log is broken: \(sentence)"), "\(attack): \(told)")
        #expect(told.output.isEmpty && told.error.contains("--accept"), "\(told)")
        let onHostA = try lab.run(lab.hostA, ["fleet-server", "audit", "verify"])
        #expect((onHostA.status == 1) == isSeenOnHostA, "\(attack): \(onHostA)")
        if !isSeenOnHostA { #expect(try lab.fleet("log", "--verify", "--new").status == 1, "\(attack)") }
        try lab.attack(again)
        #expect(try lab.verified()["entries"] as? Int == latest, "\(attack)")
      }

      // Older entries in files are followed with the rest.
      #expect(
        try lab.succeed(lab.hostA, ["fleet-server", "audit", "rotate", "--keep", "2"]).hasPrefix(
          "moved \(latest - 2) entries into "))
      #expect(try lab.verified()["entries"] as? Int == latest)
      #expect(try lab.fleet("log").error.contains("\(latest - 2) earlier entries are in files on HostA"))
      try lab.succeed(
        lab.hostA,
        [
          "sh", "-c", "sed -i 's/\"actor\":\"host\"/\"actor\":\"nobody\"/' \"$1\"/audit/*.jsonl", "sh",
          lab.serverHome.path,
        ])
      let damaged = try lab.fleet("log", "--verify")
      #expect(
        damaged.status == 1
          && damaged.error.contains("entry 1 was changed, in the files of HostA's folder 'audit'"), "\(damaged)")

      // A person has looked: from here on the log counts as it is, and a new fault is told again.
      #expect(try lab.fleetSucceeds("log", "--verify", "--accept").hasPrefix("accepted that entry 1 was changed"))
      #expect(try lab.fleetSucceeds("log", "--verify").hasPrefix("✓ "))
      try lab.attack("DELETE FROM audit WHERE id = \(latest)")
      let cut = try lab.fleet("log", "--verify", "--json")
      #expect(try cut.status == 1 && Lab.object(cut.output)["fault"] as? String == "shortened", "\(cut)")
    }
  }
}

extension Lab {
  /// What `fleet log --verify --json` finds, which must be nothing.
  fileprivate func verified() throws -> [String: Any] {
    try Self.object(fleetSucceeds("log", "--verify", "--json"))
  }

  /// Writes to the registry beside fleet-server, as somebody who knows of the seals in its pages: what any SQLite has
  /// changed is put into a file without seals, which fleet-server takes for one from before there were any.
  fileprivate func attack(_ statements: String) throws {
    let changed = try copyOfRegistry()
    let forged = changed.deletingLastPathComponent().appending(path: "forged.db")
    let source = try DatabaseQueue(path: changed.path)
    try source.write { try $0.execute(sql: statements) }
    let schema = try source.read { db in
      try Row.fetchAll(
        db, sql: "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    }
    try source.close()
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let target = try DatabaseQueue(path: forged.path, configuration: configuration)
    try target.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA journal_mode = WAL; ATTACH ? AS source", arguments: [changed.path])
      for isTable in [true, false] {
        for row in schema where (row["type"] == "table") == isTable {
          try db.execute(sql: row["sql"])
          guard isTable else { continue }
          let name: String = row["name"]
          try db.execute(sql: "INSERT INTO main.\(name) SELECT * FROM source.\(name)")
        }
      }
    }
    try target.close()
    let registry = serverHome.appending(path: "registry.db").path
    if let uid = hostA.uid { chown(forged.path, uid, uid) }
    for suffix in ["-wal", "-shm"] { unlink(registry + suffix) }
    rename(forged.path, registry)
  }

  /// Statements that name somebody else in an entry and make every hash from there on fit.
  fileprivate func chainAnew(actor: String, in id: Int64) throws -> String {
    var statements = "UPDATE audit SET actor = '\(actor)' WHERE id = \(id);"
    var head = AuditHead.beginning
    for row in try registryRows("SELECT * FROM honest ORDER BY id") {
      var entry = AuditEntry(
        number: row["id"], at: Timestamp(seconds: row["at_s"]), actor: row["actor"], action: row["action"],
        device: row["device"], name: row["device_name"], remoteAddress: row["remote_address"],
        connection: row["connection"], duration_s: row["duration_s"], bytesToDevice: row["bytes_to_device"],
        bytesFromDevice: row["bytes_from_device"], detail: row["detail"])
      if entry.number == id { entry.actor = actor }
      head = AuditHead(number: entry.number, hash: head.hash(ofNext: entry.text))
      statements += "UPDATE audit SET hash = '\(head.hash)' WHERE id = \(entry.number);"
    }
    return statements
  }

  private func auditLines() throws -> [Substring] {
    let answer = try anna.succeed("audit-lines", body: #"{"v":1,"after":0,"limit":10000}"#)
    return answer.outcome.output.split(separator: "\n").dropFirst().map { $0 }
  }

  /// The hashes as they stand in the lines.
  fileprivate func hashes() throws -> [String] { try auditLines().map { String($0.suffix(66).prefix(64)) } }

  /// The hashes as PROTOCOL.md tells to make them, by sha256sum.
  fileprivate func hashesByHand() throws -> [String] {
    let texts = try auditLines().map { $0.dropLast(75) + "}\n" }.joined()
    let script = """
      previous=$(printf '%064d' 0)
      while IFS= read -r text; do
        previous=$(printf '%s%s' "$previous" "$text" | sha256sum | cut -d' ' -f1)
        echo "$previous"
      done
      """
    return try succeed(laptop, ["sh", "-c", script], input: texts).split(separator: "\n").map(String.init)
  }
}
