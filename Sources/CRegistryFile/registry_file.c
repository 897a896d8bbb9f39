// The layer between SQLite and the registry's file: see CRegistryFile.h. It reads and writes through the VFS that is the
// system's default, and looks only at whole pages: those of the database itself, and those in its write-ahead log.
#include "CRegistryFile.h"
#include "page_seal.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

enum {
  HEADER_RESERVED = 20,
  HEADER_APPLICATION_ID = 68,
  WAL_HEADER_SIZE = 32,
  WAL_HEADER_CHECKSUM = 24,
  WAL_FRAME_HEADER_SIZE = 24,
  WAL_FRAME_CHECKSUM = 16,
};

// What cregistryfile.h asks of an open database, as numbers that SQLite does not use.
enum { CONTROL_SEAL_FROM_NOW = 0x464C01, CONTROL_IS_SEALED = 0x464C02 };

// A file that SQLite opened through this layer. The default VFS's own structure follows it.
struct registry_file {
  sqlite3_file base;
  // The database, of which the other file is the write-ahead log; the file itself where it is the database.
  struct registry_file *database;
  // As page 1 said when it was last read or written.
  int is_sealed;
  // Pages of an older registry are being given their seals.
  int seals_from_now;
};

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((struct registry_file *)file + 1); }

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs) { return vfs->pAppData; }

static uint32_t big_endian_32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_big_endian_32(uint8_t *bytes, uint32_t value) {
  for (int byte = 0; byte < 4; byte++) bytes[byte] = (uint8_t)(value >> (24 - 8 * byte));
}

static int is_page_size(int count) { return count >= 512 && count <= 65536 && (count & (count - 1)) == 0; }

// Whether the file has seals is what page 1 says in two places. A registry from before there were seals says so in both.
static int read_header(struct registry_file *database, const uint8_t *page) {
  uint32_t id = big_endian_32(page + HEADER_APPLICATION_ID);
  if (page[HEADER_RESERVED] == SEAL_SIZE) {
    database->is_sealed = 1;
  } else if (page[HEADER_RESERVED] == 0 && id == 0) {
    database->is_sealed = 0;
  } else {
    return SQLITE_CORRUPT;
  }
  return SQLITE_OK;
}

static int check_page(struct registry_file *database, uint32_t number, const uint8_t *page, int size) {
  if (number == 1) {
    int result = read_header(database, page);
    if (result != SQLITE_OK) return result;
  }
  if (!database->is_sealed || page_seal_is_right(number, page, size)) return SQLITE_OK;
  sqlite3_log(SQLITE_CORRUPT, "the seal of page %u is wrong", number);
  return SQLITE_CORRUPT;
}

// --- The database itself

static int database_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  struct registry_file *database = (struct registry_file *)file;
  int result = real(file)->pMethods->xRead(real(file), bytes, count, offset);
  if (!is_page_size(count) || offset % count != 0) return result;
  // SQLite takes what is missing at the end for zeroes.
  if (result == SQLITE_IOERR_SHORT_READ && database->is_sealed) return SQLITE_CORRUPT;
  if (result != SQLITE_OK) return result;
  return check_page(database, (uint32_t)(offset / count + 1), bytes, count);
}

static int database_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  struct registry_file *database = (struct registry_file *)file;
  if (!is_page_size(count) || offset % count != 0) {
    return real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  }
  if (offset == 0 && read_header(database, bytes) != SQLITE_OK) return SQLITE_IOERR_WRITE;
  if (!database->is_sealed && !database->seals_from_now) {
    return real(file)->pMethods->xWrite(real(file), bytes, count, offset);
  }
  uint8_t page[65536];
  memcpy(page, bytes, (size_t)count);
  page_seal_write((uint32_t)(offset / count + 1), page, count);
  return real(file)->pMethods->xWrite(real(file), page, count, offset);
}

// --- The write-ahead log: a header, then frames, each of them a header and a page

static int is_page_of_frame(int count, sqlite3_int64 offset) {
  sqlite3_int64 frames = offset - WAL_HEADER_SIZE - WAL_FRAME_HEADER_SIZE;
  return is_page_size(count) && frames >= 0 && frames % (WAL_FRAME_HEADER_SIZE + count) == 0;
}

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  int result = real(file)->pMethods->xRead(real(file), bytes, count, offset);
  if (result != SQLITE_OK || !is_page_of_frame(count, offset)) return result;
  uint8_t number[4];
  result = real(file)->pMethods->xRead(real(file), number, sizeof number, offset - WAL_FRAME_HEADER_SIZE);
  if (result != SQLITE_OK) return result;
  return check_page(((struct registry_file *)file)->database, big_endian_32(number), bytes, count);
}

// SQLite's checksum of a frame goes on from the frame before.
static void add_to_log_checksum(int is_big_endian, const uint8_t *bytes, int count, uint32_t sum[2]) {
  for (int offset = 0; offset < count; offset += 8) {
    uint32_t words[2];
    for (int word = 0; word < 2; word++) {
      uint32_t value = big_endian_32(bytes + offset + 4 * word);
      words[word] = is_big_endian ? value : __builtin_bswap32(value);
    }
    sum[0] += words[0] + sum[1];
    sum[1] += words[1] + sum[0];
  }
}

// SQLite has just written the frame's header with a checksum over the page as it has it, without a seal. Here the page
// gets its seal and the header the checksum that goes with it, so that the log is whole for any SQLite that reads it.
static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  struct registry_file *database = ((struct registry_file *)file)->database;
  const sqlite3_io_methods *methods = real(file)->pMethods;
  if (!is_page_of_frame(count, offset)) return methods->xWrite(real(file), bytes, count, offset);
  sqlite3_int64 frame = offset - WAL_FRAME_HEADER_SIZE;
  uint8_t header[WAL_FRAME_HEADER_SIZE];
  int result = methods->xRead(real(file), header, sizeof header, frame);
  if (result != SQLITE_OK) return result;
  uint32_t number = big_endian_32(header);
  if (number == 1 && (result = read_header(database, bytes)) != SQLITE_OK) return SQLITE_IOERR_WRITE;
  if (!database->is_sealed && !database->seals_from_now) return methods->xWrite(real(file), bytes, count, offset);

  uint8_t page[65536], magic[4], before[8];
  memcpy(page, bytes, (size_t)count);
  page_seal_write(number, page, count);
  int is_first = frame == WAL_HEADER_SIZE;
  sqlite3_int64 previous =
      is_first ? WAL_HEADER_CHECKSUM : frame - WAL_FRAME_HEADER_SIZE - count + WAL_FRAME_CHECKSUM;
  if ((result = methods->xRead(real(file), magic, sizeof magic, 0)) != SQLITE_OK) return result;
  if ((result = methods->xRead(real(file), before, sizeof before, previous)) != SQLITE_OK) return result;
  uint32_t sum[2] = {big_endian_32(before), big_endian_32(before + 4)};
  int is_big_endian = magic[3] & 1;
  add_to_log_checksum(is_big_endian, header, 8, sum);
  add_to_log_checksum(is_big_endian, page, count, sum);
  write_big_endian_32(before, sum[0]);
  write_big_endian_32(before + 4, sum[1]);
  if ((result = methods->xWrite(real(file), page, count, offset)) != SQLITE_OK) return result;
  return methods->xWrite(real(file), before, sizeof before, frame + WAL_FRAME_CHECKSUM);
}

// --- What is handed on

static int file_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }
static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
static int file_sync(sqlite3_file *file, int flags) { return real(file)->pMethods->xSync(real(file), flags); }
static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
static int file_lock(sqlite3_file *file, int lock) { return real(file)->pMethods->xLock(real(file), lock); }
static int file_unlock(sqlite3_file *file, int lock) { return real(file)->pMethods->xUnlock(real(file), lock); }
static int file_check_reserved_lock(sqlite3_file *file, int *is_held) {
  return real(file)->pMethods->xCheckReservedLock(real(file), is_held);
}
static int file_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }
static int file_characteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
  return real(file)->pMethods->xShmMap(real(file), region, size, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }
static int file_shm_unmap(sqlite3_file *file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
  struct registry_file *database = ((struct registry_file *)file)->database;
  switch (operation) {
    case CONTROL_SEAL_FROM_NOW: database->seals_from_now = 1; return SQLITE_OK;
    case CONTROL_IS_SEALED: *(int *)argument = database->is_sealed; return SQLITE_OK;
    default: return real(file)->pMethods->xFileControl(real(file), operation, argument);
  }
}

// Version 2: without memory mapping, where pages would reach SQLite past this layer.
#define METHODS(read, write)                                                                                          \
  {                                                                                                                    \
    .iVersion = 2, .xClose = file_close, .xRead = read, .xWrite = write, .xTruncate = file_truncate,                    \
    .xSync = file_sync, .xFileSize = file_size, .xLock = file_lock, .xUnlock = file_unlock,                             \
    .xCheckReservedLock = file_check_reserved_lock, .xFileControl = file_control, .xSectorSize = file_sector_size,      \
    .xDeviceCharacteristics = file_characteristics, .xShmMap = file_shm_map, .xShmLock = file_shm_lock,                 \
    .xShmBarrier = file_shm_barrier, .xShmUnmap = file_shm_unmap                                                        \
  }
static const sqlite3_io_methods database_methods = METHODS(database_read, database_write);
static const sqlite3_io_methods log_methods = METHODS(log_read, log_write);

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  int is_log = (flags & SQLITE_OPEN_WAL) != 0;
  // Journals hold pages as they stood in the file, seals included; temporary files are nobody else's.
  if (!is_log && !(flags & SQLITE_OPEN_MAIN_DB)) return real_vfs(vfs)->xOpen(real_vfs(vfs), name, file, flags, out);
  struct registry_file *ours = (struct registry_file *)file;
  memset(ours, 0, sizeof *ours);
  int result = real_vfs(vfs)->xOpen(real_vfs(vfs), name, real(file), flags, out);
  if (result != SQLITE_OK) return result;
  ours->base.pMethods = is_log ? &log_methods : &database_methods;
  ours->database = is_log ? (struct registry_file *)sqlite3_database_file_object(name) : ours;
  // A file that is made here has seals from its first page on.
  sqlite3_int64 size = 0;
  if (!is_log && real(file)->pMethods->xFileSize(real(file), &size) == SQLITE_OK) ours->is_sealed = size == 0;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
  return real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync_folder);
}
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
  return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, result);
}
static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int count, char *out) {
  return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, count, out);
}
static int vfs_randomness(sqlite3_vfs *vfs, int count, char *out) {
  return real_vfs(vfs)->xRandomness(real_vfs(vfs), count, out);
}
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) { return real_vfs(vfs)->xSleep(real_vfs(vfs), microseconds); }
static int vfs_current_time(sqlite3_vfs *vfs, double *now) { return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), now); }
static int vfs_last_error(sqlite3_vfs *vfs, int count, char *out) {
  return real_vfs(vfs)->xGetLastError(real_vfs(vfs), count, out);
}
static int vfs_current_time_64(sqlite3_vfs *vfs, sqlite3_int64 *now) {
  return real_vfs(vfs)->xCurrentTimeInt64(real_vfs(vfs), now);
}

static sqlite3_vfs layer = {
    .iVersion = 2, .zName = CREGISTRYFILE_VFS, .xOpen = vfs_open, .xDelete = vfs_delete, .xAccess = vfs_access,
    .xFullPathname = vfs_full_pathname, .xRandomness = vfs_randomness, .xSleep = vfs_sleep,
    .xCurrentTime = vfs_current_time, .xGetLastError = vfs_last_error, .xCurrentTimeInt64 = vfs_current_time_64,
};
static int registration;

static void register_layer(void) {
  // Without an error where SQLite is in use already: then the connections that are open could not have asked for it.
  sqlite3_config(SQLITE_CONFIG_URI, 1);
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  if (!real || real->iVersion < 2) {
    registration = SQLITE_ERROR;
    return;
  }
  layer.pAppData = real;
  layer.mxPathname = real->mxPathname;
  layer.szOsFile = (int)sizeof(struct registry_file) + real->szOsFile;
  registration = sqlite3_vfs_register(&layer, 0);
}

int cregistryfile_register(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, register_layer);
  return registration;
}

// --- What is asked of a connection

int cregistryfile_prepare(struct sqlite3 *connection) {
  int reserved = SEAL_SIZE, persists = 1;
  int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  if (result != SQLITE_OK) return result;
  result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &persists);
  if (result != SQLITE_OK) return result;
  // The limit itself never matters; that there is one has the log emptied when the last connection closes.
  return sqlite3_exec(connection, "PRAGMA journal_size_limit = 67108864", NULL, NULL, NULL);
}

int cregistryfile_is_sealed(struct sqlite3 *connection) {
  int is_sealed = 0;
  return sqlite3_file_control(connection, "main", CONTROL_IS_SEALED, &is_sealed) == SQLITE_OK && is_sealed;
}

int cregistryfile_has_moved(struct sqlite3 *connection) {
  int has_moved = 0;
  return sqlite3_file_control(connection, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) == SQLITE_OK && has_moved;
}

static int seal(sqlite3 *connection) {
  int reserved = SEAL_SIZE;
  // Nobody else may have the file open from before to after, whoever it is and whichever version. And the pages go to
  // the log first: taken back from a journal, old pages would get seals as well.
  const char *alone = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; SELECT 1 FROM sqlite_schema";
  int result = sqlite3_exec(connection, alone, NULL, NULL, NULL);
  if (result != SQLITE_OK || cregistryfile_is_sealed(connection)) return result;
  result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  if (result != SQLITE_OK) return result;
  result = sqlite3_file_control(connection, "main", CONTROL_SEAL_FROM_NOW, NULL);
  if (result != SQLITE_OK) return result;
  return sqlite3_exec(connection, "VACUUM", NULL, NULL, NULL);
}

int cregistryfile_seal(const char *uri) {
  sqlite3 *connection = NULL;
  int result = sqlite3_open_v2(uri, &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL);
  if (result == SQLITE_OK) result = seal(connection);
  int closed = sqlite3_close(connection);
  return result == SQLITE_OK ? closed : result;
}

int64_t cregistryfile_first_damaged_page(const char *path) {
  FILE *file = fopen(path, "rbe");
  if (!file) return -1;
  uint8_t page[65536];
  int64_t number = 0;
  size_t size = 0, got = fread(page, 1, 512, file);
  if (got == 512) size = page[16] == 0 && page[17] == 1 ? 65536 : (size_t)page[16] << 8 | page[17];
  int64_t damaged = is_page_size((int)size) && memcmp(page, "SQLite format 3", 16) == 0 ? 0 : -1;
  int64_t pages = (int64_t)big_endian_32(page + 28);
  if (damaged == 0) rewind(file);
  while (damaged == 0 && (got = fread(page, 1, size, file)) > 0) {
    number++;
    if (got != size || number > pages || !page_seal_is_right((uint32_t)number, page, (int)size)) damaged = number;
  }
  if (damaged == 0 && number != pages) damaged = number + 1;
  fclose(file);
  return damaged;
}
