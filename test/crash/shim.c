/*
 * A file system that fails on demand, for the tests of failing system calls (Linux, LD_PRELOAD).
 *
 * Sees every call of the process on a path below `root`, counts those of the chosen families, and fails the
 * k-th, once or from then on. A write that fails has written half of its bytes: that is what a full disk and
 * a broken one leave behind. The test steers it through a file that both have mapped, named by
 * WAVELOCK_SHIM; its layout is repeated in shim.ts. Every counted call is also kept in a log, in order.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum family { OPEN, READ, WRITE, SYNC, TRUNCATE, RENAME, MKDIR, RMDIR, UNLINK, LINK, MAP, LOCK, STAT, ATTRIBUTES, COPY };
enum mode { OFF, COUNT, ONCE, FOR_GOOD };

struct entry {
  uint8_t family;
  uint8_t failed;
  char path[126];
};

struct control {
  int32_t mode;
  int32_t k;
  int32_t error;
  uint32_t families;
  int32_t calls;
  int32_t failures;
  int32_t capacity;
  int32_t unused;
  char root[480];
  struct entry log[];
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("WAVELOCK_SHIM");
  if (!file) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  off_t size = lseek(fd, 0, SEEK_END);
  void *mapped = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int watching(enum family family) {
  return control && control->mode != OFF && (control->families >> family & 1);
}

/* Whether this call has to fail; sets errno then. */
static int strikes(enum family family, const char *path) {
  size_t length = strlen(control->root);
  if (length == 0 || strncmp(path, control->root, length) != 0) return 0;
  if (path[length] != '/' && path[length] != 0) return 0;
  int32_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  int fails = control->mode == ONCE ? call == control->k : control->mode == FOR_GOOD ? call >= control->k : 0;
  if (call <= control->capacity) {
    struct entry *entry = &control->log[call - 1];
    entry->family = family;
    entry->failed = fails;
    snprintf(entry->path, sizeof entry->path, "%s", path + length);
  }
  if (!fails) return 0;
  __atomic_add_fetch(&control->failures, 1, __ATOMIC_SEQ_CST);
  errno = control->error;
  return 1;
}

static int strikes_handle(enum family family, int fd) {
  if (fd < 0 || !watching(family)) return 0;
  char link[32], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strikes(family, path);
}

static int strikes_at(enum family family, int folder, const char *path) {
  if (!path || !watching(family)) return 0;
  if (path[0] == '/' || folder == AT_FDCWD) return strikes(family, path);
  if (path[0] == 0) return strikes_handle(family, folder);
  char link[32], full[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, full, sizeof full / 2);
  if (length < 0) return 0;
  snprintf(full + length, sizeof full - length, "/%s", path);
  return strikes(family, full);
}

static int strikes_path(enum family family, const char *path) { return strikes_at(family, AT_FDCWD, path); }

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(next))dlsym(RTLD_NEXT, #name)

/* ------------------------------------------------------------------ by path */

#define MODE_OF(flags, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, last); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) {
  NEXT(open);
  MODE_OF(flags, flags)
  return strikes_path(OPEN, path) ? -1 : next(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  NEXT(open64);
  MODE_OF(flags, flags)
  return strikes_path(OPEN, path) ? -1 : next(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
  NEXT(openat);
  MODE_OF(flags, flags)
  return strikes_at(OPEN, folder, path) ? -1 : next(folder, path, flags, mode);
}
DIR *opendir(const char *path) {
  NEXT(opendir);
  return strikes_path(OPEN, path) ? NULL : next(path);
}
int scandir64(const char *path, struct dirent64 ***names, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  NEXT(scandir64);
  return strikes_path(OPEN, path) ? -1 : next(path, names, filter, compare);
}
int rename(const char *from, const char *to) {
  NEXT(rename);
  return strikes_path(RENAME, to) ? -1 : next(from, to);
}
int mkdir(const char *path, mode_t mode) {
  NEXT(mkdir);
  return strikes_path(MKDIR, path) ? -1 : next(path, mode);
}
int rmdir(const char *path) {
  NEXT(rmdir);
  return strikes_path(RMDIR, path) ? -1 : next(path);
}
int unlink(const char *path) {
  NEXT(unlink);
  return strikes_path(UNLINK, path) ? -1 : next(path);
}
int remove(const char *path) {
  NEXT(remove);
  return strikes_path(UNLINK, path) ? -1 : next(path);
}
int unlinkat(int folder, const char *path, int flags) {
  NEXT(unlinkat);
  return strikes_at(flags & AT_REMOVEDIR ? RMDIR : UNLINK, folder, path) ? -1 : next(folder, path, flags);
}
int link(const char *from, const char *to) {
  NEXT(link);
  return strikes_path(LINK, to) ? -1 : next(from, to);
}
int access(const char *path, int mode) {
  NEXT(access);
  return strikes_path(STAT, path) ? -1 : next(path, mode);
}
int chmod(const char *path, mode_t mode) {
  NEXT(chmod);
  return strikes_path(ATTRIBUTES, path) ? -1 : next(path, mode);
}
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
  NEXT(utimensat);
  return strikes_at(ATTRIBUTES, folder, path) ? -1 : next(folder, path, times, flags);
}

/* The ways in which programs built against an older C library ask for a file's state. */
#define OLD_STAT(name, type) \
  int name(int version, const char *path, type *stats) { \
    static int (*next)(int, const char *, type *); \
    if (!next) next = (int (*)(int, const char *, type *))dlsym(RTLD_NEXT, #name); \
    return strikes_path(STAT, path) ? -1 : next(version, path, stats); \
  }
OLD_STAT(__xstat, struct stat)
OLD_STAT(__xstat64, struct stat64)
OLD_STAT(__lxstat, struct stat)
OLD_STAT(__lxstat64, struct stat64)
int __fxstat64(int version, int fd, struct stat64 *stats) {
  static int (*next)(int, int, struct stat64 *);
  if (!next) next = (int (*)(int, int, struct stat64 *))dlsym(RTLD_NEXT, "__fxstat64");
  return strikes_handle(STAT, fd) ? -1 : next(version, fd, stats);
}

/* ------------------------------------------------------------------ by handle */

ssize_t read(int fd, void *bytes, size_t count) {
  NEXT(read);
  return strikes_handle(READ, fd) ? -1 : next(fd, bytes, count);
}
ssize_t pread64(int fd, void *bytes, size_t count, off64_t at) {
  NEXT(pread64);
  return strikes_handle(READ, fd) ? -1 : next(fd, bytes, count, at);
}
ssize_t write(int fd, const void *bytes, size_t count) {
  NEXT(write);
  if (!strikes_handle(WRITE, fd)) return next(fd, bytes, count);
  int error = errno;
  if (next(fd, bytes, count / 2) >= 0) errno = error;
  return -1;
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  NEXT(pwrite64);
  if (!strikes_handle(WRITE, fd)) return next(fd, bytes, count, at);
  int error = errno;
  if (next(fd, bytes, count / 2, at) >= 0) errno = error;
  return -1;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  NEXT(writev);
  if (!strikes_handle(WRITE, fd)) return next(fd, parts, count);
  int error = errno;
  if (next(fd, parts, count / 2) >= 0) errno = error;
  return -1;
}
int fsync(int fd) {
  NEXT(fsync);
  return strikes_handle(SYNC, fd) ? -1 : next(fd);
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  return strikes_handle(SYNC, fd) ? -1 : next(fd);
}
int ftruncate64(int fd, off64_t size) {
  NEXT(ftruncate64);
  return strikes_handle(TRUNCATE, fd) ? -1 : next(fd, size);
}
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t from) {
  NEXT(mmap64);
  return strikes_handle(MAP, fd) ? MAP_FAILED : next(at, size, protection, flags, fd, from);
}
int fchmod(int fd, mode_t mode) {
  NEXT(fchmod);
  return strikes_handle(ATTRIBUTES, fd) ? -1 : next(fd, mode);
}
int futimens(int fd, const struct timespec times[2]) {
  NEXT(futimens);
  return strikes_handle(ATTRIBUTES, fd) ? -1 : next(fd, times);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t count) {
  NEXT(sendfile64);
  return strikes_handle(COPY, to) ? -1 : next(to, from, at, count);
}
int fcntl64(int fd, int command, ...) {
  NEXT(fcntl64);
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if ((command == F_SETLK || command == F_SETLKW) && ((struct flock *)argument)->l_type != F_UNLCK &&
      strikes_handle(LOCK, fd))
    return -1;
  return next(fd, command, argument);
}

/* Node asks for a file's state, and copies files, by number. */
long syscall(long number, ...) {
  NEXT(syscall);
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
  long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  /* Not of an open file: readFileSync of Node 24 then forgets to close it. */
  if (number == SYS_statx && ((const char *)b)[0] != 0 && strikes_at(STAT, (int)a, (const char *)b)) return -1;
  if (number == SYS_copy_file_range && strikes_handle(COPY, (int)c)) return -1;
  return next(number, a, b, c, d, e, f);
}
