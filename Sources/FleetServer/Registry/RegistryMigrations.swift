import FleetProtocol
import GRDB

/// The registry's schema, as numbered steps. A step that was released is never changed: add the next one.
enum RegistryMigrations {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE devices (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            key TEXT NOT NULL UNIQUE,
            user TEXT NOT NULL,
            host_keys_from_first_claim INTEGER NOT NULL,
            provisioned_s INTEGER NOT NULL,
            provisioned_by TEXT NOT NULL,
            enrolled_s INTEGER,
            enrolled_by TEXT,
            last_seen_s INTEGER
          ) STRICT;
          CREATE TABLE leases (
            port INTEGER NOT NULL PRIMARY KEY,
            device TEXT NOT NULL UNIQUE REFERENCES devices (id) ON DELETE CASCADE,
            leased_s INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE quarantine (
            port INTEGER NOT NULL PRIMARY KEY,
            until_s INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE host_keys (
            device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            key TEXT NOT NULL,
            PRIMARY KEY (device, position)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE tags (
            device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (device, key)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE operators (
            name TEXT NOT NULL PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            added_s INTEGER NOT NULL
          ) STRICT;
          -- Rows outlive what they speak of, so they hold names and no references.
          CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at_s INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            device TEXT,
            device_name TEXT,
            remote_address TEXT,
            connection INTEGER,
            duration_s INTEGER,
            bytes_to_device INTEGER,
            bytes_from_device INTEGER,
            detail TEXT
          ) STRICT;
          CREATE TABLE presence (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
            at_s INTEGER NOT NULL,
            online INTEGER NOT NULL
          ) STRICT;
          CREATE INDEX presence_of_device ON presence (device, id);
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          -- The key that replaces `key` when the device has shown that it holds it.
          ALTER TABLE devices ADD COLUMN next_key TEXT;
          CREATE UNIQUE INDEX devices_next_key ON devices (next_key);
          -- Whether the device is asked to replace its key.
          ALTER TABLE devices ADD COLUMN replaces_key INTEGER NOT NULL DEFAULT 0;
          -- When a device that was never seen is removed.
          ALTER TABLE devices ADD COLUMN expires_s INTEGER;
          CREATE TABLE enroll_keys (
            id TEXT NOT NULL PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            pattern TEXT NOT NULL,
            user TEXT NOT NULL,
            tags TEXT NOT NULL,
            uses INTEGER NOT NULL,
            used INTEGER NOT NULL DEFAULT 0,
            auto_approve INTEGER NOT NULL,
            created_s INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            expires_s INTEGER NOT NULL
          ) STRICT;
          -- The enroll key with which the device joined.
          ALTER TABLE devices ADD COLUMN enroll_key TEXT REFERENCES enroll_keys (id) ON DELETE SET NULL;
          CREATE INDEX devices_enroll_key ON devices (enroll_key);
          -- Boxes that wait for approval.
          CREATE TABLE pending (
            name TEXT NOT NULL PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            enroll_key TEXT NOT NULL REFERENCES enroll_keys (id) ON DELETE CASCADE,
            facts TEXT NOT NULL,
            remote_address TEXT,
            asked_s INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE pending_host_keys (
            pending TEXT NOT NULL REFERENCES pending (name) ON DELETE CASCADE ON UPDATE CASCADE,
            position INTEGER NOT NULL,
            key TEXT NOT NULL,
            PRIMARY KEY (pending, position)
          ) STRICT, WITHOUT ROWID;
          -- Boxes that were rejected, so that they do not wait again, and whether they have asked since.
          CREATE TABLE rejected (
            enroll_key TEXT NOT NULL REFERENCES enroll_keys (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            heard INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (enroll_key, key)
          ) STRICT, WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("3") { db in
      try db.execute(
        sql: """
          -- What the operator may do: admin, operator or viewer.
          ALTER TABLE operators ADD COLUMN role TEXT NOT NULL DEFAULT 'admin';
          -- Which devices it is about, the words of a selector separated by spaces; empty for all.
          ALTER TABLE operators ADD COLUMN devices TEXT NOT NULL DEFAULT '';
          -- Commands for devices that are not there; a row for each device.
          CREATE TABLE queue (
            id TEXT NOT NULL,
            device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
            operator TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
            command TEXT NOT NULL,
            added_s INTEGER NOT NULL,
            expires_s INTEGER NOT NULL,
            taken_s INTEGER,
            status INTEGER,
            PRIMARY KEY (id, device)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX queue_of_operator ON queue (operator);
          CREATE INDEX queue_of_device ON queue (device);
          CREATE INDEX audit_of_device ON audit (device, id);
          CREATE INDEX audit_of_device_name ON audit (device_name, id);
          -- The end of each connection.
          CREATE INDEX audit_of_connection ON audit (connection) WHERE connection IS NOT NULL;
          """)
    }
    migrator.registerMigration("4") { db in
      try db.execute(
        sql: """
          -- The last entry that lies in a file; number 0 stands for none.
          CREATE TABLE audit_rotated (
            number INTEGER NOT NULL,
            hash TEXT NOT NULL,
            at_s INTEGER NOT NULL
          ) STRICT;
          -- `hash` has no default: a program from before, whose entries would stand beside the chain, writes none.
          CREATE TABLE audit_chained (
            id INTEGER NOT NULL PRIMARY KEY,
            at_s INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            device TEXT,
            device_name TEXT,
            remote_address TEXT,
            connection INTEGER,
            duration_s INTEGER,
            bytes_to_device INTEGER,
            bytes_from_device INTEGER,
            detail TEXT,
            hash TEXT NOT NULL
          ) STRICT;
          """)
      try RegistryMigrations.chain("audit", into: "audit_chained", db)
      try db.execute(
        sql: """
          DROP TABLE audit;
          ALTER TABLE audit_chained RENAME TO audit;
          CREATE INDEX audit_of_device ON audit (device, id);
          CREATE INDEX audit_of_device_name ON audit (device_name, id);
          CREATE INDEX audit_of_connection ON audit (connection) WHERE connection IS NOT NULL;
          INSERT INTO audit_rotated (number, hash, at_s) VALUES (0, '\(AuditHead.beginning.hash)', 0);
          CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
            WHEN NEW.id <> 1 + coalesce((SELECT MAX(id) FROM audit), (SELECT number FROM audit_rotated))
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
            WHEN OLD.id > (SELECT number FROM audit_rotated)
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          CREATE TRIGGER audit_rotates_forward BEFORE UPDATE ON audit_rotated
            WHEN NEW.number <= OLD.number
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          CREATE TRIGGER audit_rotation_is_kept BEFORE DELETE ON audit_rotated
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          CREATE TRIGGER audit_rotates_once BEFORE INSERT ON audit_rotated
            BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
          """)
    }
    // From here on each page has a seal (RegistryFile). A program that would write none finds this step and keeps away.
    migrator.registerMigration("5") { _ in }
    return migrator
  }

  /// Copies rows that have no hash yet. Each keeps its number, which the end of a connection names.
  private static func chain(_ source: String, into table: String, _ db: Database) throws {
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \(source) ORDER BY id")
    var head = AuditHead.beginning
    while let row = try rows.next() { head = try Registry.insert(AuditEntry(row), after: head, into: table, db) }
  }
}
