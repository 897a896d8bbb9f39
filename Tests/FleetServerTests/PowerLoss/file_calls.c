// Preloaded into a program: writes down every call that changes a file below FILE_CALLS_BELOW, in order and with its
// data, to the file FILE_CALLS_LOG, and ends the program by SIGKILL before call number FILE_CALLS_KILL_AT, where that is
// given. The write of a reply to standard output counts as a call, too.
//
// A record is a line of words, `KIND NUMBER NUMBER LENGTH NAME`, then LENGTH bytes and a newline. A file is named by its
// path below the folder.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char below[PATH_MAX];
static int record_fd = -1;
static long kill_at = -1, calls = 0;

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("FILE_CALLS_BELOW"), *log = getenv("FILE_CALLS_LOG"), *end = getenv("FILE_CALLS_KILL_AT");
  if (folder == NULL || strlen(folder) >= sizeof below) return;
  strcpy(below, folder);
  if (log != NULL) record_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (end != NULL) kill_at = atol(end);
  // Neither what this program starts nor its own later self is meant.
  unsetenv("LD_PRELOAD");
}

static void put(const void *bytes, size_t count) {
  if (record_fd >= 0 && syscall(SYS_write, record_fd, bytes, count) != (long)count) abort();
}

// The name of a path below the folder, or NULL. The folder itself is ".".
static const char *name_of(const char *path) {
  size_t length = strlen(below);
  if (length == 0 || strncmp(path, below, length) != 0) return NULL;
  if (path[length] == 0) return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static const char *name_of_fd(int fd, char buffer[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(link, buffer, PATH_MAX - 1);
  if (count < 0) return NULL;
  buffer[count] = 0;
  const char *name = name_of(buffer);
  // SQLite's index in shared memory is made anew after a crash.
  if (name == NULL || (strlen(name) > 4 && strcmp(name + strlen(name) - 4, "-shm") == 0)) return NULL;
  return name;
}

// Before a call that changes something: its number comes up.
static void step(void) {
  calls += 1;
  if (calls == kill_at) kill(getpid(), SIGKILL);
}

static void record(char kind, long long a, long long b, const char *name, const void *data, size_t count) {
  char line[PATH_MAX + 128];
  int length = snprintf(line, sizeof line, "%c %lld %lld %zu %s\n", kind, a, b, count, name);
  put(line, (size_t)length);
  if (count > 0) put(data, count);
  put("\n", 1);
}

static ssize_t written(int fd, const void *data, size_t count, off_t offset, int has_offset) {
  char buffer[PATH_MAX];
  const char *name = fd == 1 ? "reply" : name_of_fd(fd, buffer);
  if (name == NULL || fd == record_fd)
    return has_offset ? syscall(SYS_pwrite64, fd, data, count, offset) : syscall(SYS_write, fd, data, count);
  pthread_mutex_lock(&lock);
  step();
  if (!has_offset && fd != 1) {
    offset = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  }
  ssize_t done = has_offset ? syscall(SYS_pwrite64, fd, data, count, offset) : syscall(SYS_write, fd, data, count);
  if (done > 0) record(fd == 1 ? 'a' : 'w', offset, 0, name, data, fd == 1 ? 0 : (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t write(int fd, const void *data, size_t count) { return written(fd, data, count, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return written(fd, data, count, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) { return written(fd, data, count, offset, 1); }

static int opened(int folder, const char *path, int flags, mode_t mode) {
  const char *name = name_of(path);
  int changes = name != NULL && flags & (O_CREAT | O_TRUNC) && strstr(name, "-shm") == NULL;
  if (!changes) return (int)syscall(SYS_openat, folder, path, flags, mode);
  pthread_mutex_lock(&lock);
  step();
  struct stat before;
  int was_there = syscall(SYS_newfstatat, folder, path, &before, 0) == 0;
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  int code = errno;
  if (fd >= 0 && !was_there) record('c', 0, 0, name, NULL, 0);
  if (fd >= 0 && was_there && flags & O_TRUNC) record('t', 0, 0, name, NULL, 0);
  errno = code;
  pthread_mutex_unlock(&lock);
  return fd;
}

#define OPEN_MODE                                 \
  mode_t mode = 0;                                \
  if (flags & (O_CREAT | O_TMPFILE)) {            \
    va_list list;                                 \
    va_start(list, flags);                        \
    mode = va_arg(list, mode_t);                  \
    va_end(list);                                 \
  }
int open(const char *path, int flags, ...) { OPEN_MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode); }

static int truncated(int fd, off_t size) {
  char buffer[PATH_MAX];
  const char *name = name_of_fd(fd, buffer);
  if (name == NULL) return (int)syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&lock);
  step();
  int status = (int)syscall(SYS_ftruncate, fd, size);
  if (status == 0) record('t', size, 0, name, NULL, 0);
  pthread_mutex_unlock(&lock);
  return status;
}
int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

// Space that is reserved reads as zeros; the size is all that must be known of it.
static int reserved(int fd, off_t offset, off_t count) {
  struct stat file;
  if (fstat(fd, &file) != 0) return errno;
  return file.st_size < offset + count ? (truncated(fd, offset + count) == 0 ? 0 : errno) : 0;
}
int posix_fallocate(int fd, off_t offset, off_t count) { return reserved(fd, offset, count); }
int posix_fallocate64(int fd, off64_t offset, off64_t count) { return reserved(fd, offset, count); }

static int synchronised(int fd, long number) {
  char buffer[PATH_MAX];
  const char *name = name_of_fd(fd, buffer);
  if (name == NULL) return (int)syscall(number, fd);
  pthread_mutex_lock(&lock);
  step();
  // The real one is not needed: the log says what it would have kept.
  record('s', 0, 0, name, NULL, 0);
  pthread_mutex_unlock(&lock);
  return 0;
}
int fsync(int fd) { return synchronised(fd, SYS_fsync); }
int fdatasync(int fd) { return synchronised(fd, SYS_fdatasync); }

int rename(const char *from, const char *to) {
  const char *source = name_of(from), *target = name_of(to);
  if (source == NULL || target == NULL) return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  pthread_mutex_lock(&lock);
  step();
  int status = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  int code = errno;
  if (status == 0) record('r', 0, 0, source, target, strlen(target));
  errno = code;
  pthread_mutex_unlock(&lock);
  return status;
}

int unlink(const char *path) {
  const char *name = name_of(path);
  if (name == NULL || strstr(name, "-shm") != NULL) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  pthread_mutex_lock(&lock);
  step();
  int status = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  int code = errno;
  if (status == 0) record('u', 0, 0, name, NULL, 0);
  errno = code;
  pthread_mutex_unlock(&lock);
  return status;
}
