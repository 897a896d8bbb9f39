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
    return migrator
  }
}
