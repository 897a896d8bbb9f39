// How SQLite reaches the registry's file: a layer below SQLite (a "VFS") that gives each page a seal and compares it at
// each read. SQLite by itself does not notice a changed byte in a row, and a key or a port that is not what was written
// would go into the key file.
//
// The seal is a 64-bit checksum over the page's number and content. It stands in the last 8 bytes of the page, which
// SQLite leaves to whoever asks for them, so the file stays one that any SQLite can read.
#pragma once
#include <stdint.h>

struct sqlite3;

// The name by which a connection asks for this layer: file:...?vfs=fleet-registry
#define CREGISTRYFILE_VFS "fleet-registry"

// The application id of a file whose pages have seals; beside the header's own word for it, so that no single damage
// makes a sealed file look like one from before there were seals.
#define CREGISTRYFILE_REGISTRY_ID 0x464C4554
#define CREGISTRYFILE_BACKUP_ID 0x464C424B

// Makes the layer known to SQLite, once in a process. Returns SQLite's result code.
int cregistryfile_register(void);

// Prepares a new connection: a file that it makes gets room for seals, and the write-ahead log is emptied at the end but
// not removed: whoever still has a file open that was replaced would remove the log of its successor.
int cregistryfile_prepare(struct sqlite3 *connection);

// Whether the pages have seals, as far as the connection has read; 0 for a registry from before there were seals.
int cregistryfile_is_sealed(struct sqlite3 *connection);

// Whether another file stands at the path that the connection opened.
int cregistryfile_has_moved(struct sqlite3 *connection);

// Gives all pages of an older registry their seals, in one transaction. Returns SQLite's result code: SQLITE_BUSY when
// anybody else has the file open, who might write pages without seals.
int cregistryfile_seal(const char *uri);

// The first page of a file whose seal is wrong, 0 when all are right, -1 when the file cannot be read or is not made of
// pages with seals. It is for a file that nobody writes to.
int64_t cregistryfile_first_damaged_page(const char *path);
