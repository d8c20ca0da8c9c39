/*
 * Records what a program does to the files of one folder, so that a test can work out what a disk may hold after a power
 * cut at any moment. Preloaded (LD_PRELOAD) into the process under test.
 *
 * HANDCAR_SHIM_FOLDER  absolute path of the folder; files ending in -shm are left out, as they live in memory
 * HANDCAR_SHIM_LOG     file to append the records to; it lies outside the folder
 * HANDCAR_SHIM_LIE     files whose path ends so are never synced and nothing is recorded: a disk that lies
 * HANDCAR_SHIM_DIE     after so many records the process kills itself, at once and with all its threads
 *
 * The log has one order for all threads and processes: each record is appended under a lock (a mutex between threads,
 * flock between processes). A write is carried out and recorded under that lock, so the log has the order of the page
 * cache. A sync is carried out without it, because it must race with writes as it does in life, and makes two records: a
 * write is certain when it stands before the `begin` of a sync whose `end` stands before the cut.
 *
 * Record: 40 bytes { u32 kind, u32 path length, u64 inode, u64 offset or size, u64 data length, u64 sync number },
 * then path, then data. Little endian.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, TRUNCATE, SYNC_BEGIN, SYNC_END, CREATE, UNLINK, RENAME, MAKE_FOLDER };

struct record {
  uint32_t kind, path_length;
  uint64_t inode, offset, data_length, sync;
};

#define DESCRIPTORS 65536
static char watched[DESCRIPTORS]; /* 1: a file or folder that is recorded; 2: one whose syncs are lies */
static const char *folder, *lie;
static size_t folder_length;
static int log_descriptor = -1;
static uint64_t syncs, records, last_record;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  folder = getenv("HANDCAR_SHIM_FOLDER");
  lie = getenv("HANDCAR_SHIM_LIE");
  const char *log = getenv("HANDCAR_SHIM_LOG");
  if (!folder || !log) return;
  const char *die = getenv("HANDCAR_SHIM_DIE");
  last_record = die ? strtoull(die, 0, 10) : 0;
  folder_length = strlen(folder);
  log_descriptor = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void lock(void) {
  pthread_mutex_lock(&mutex);
  flock(log_descriptor, LOCK_EX);
}

static void unlock(void) {
  int error = errno;
  flock(log_descriptor, LOCK_UN);
  pthread_mutex_unlock(&mutex);
  errno = error;
}

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && !strcmp(text + length - end_length, end);
}

static int is_inside(const char *path) {
  if (log_descriptor < 0 || !path || strncmp(path, folder, folder_length)) return 0;
  return (path[folder_length] == '/' || !path[folder_length]) && !ends_with(path, "-shm");
}

static int is_watched(int descriptor) {
  return descriptor >= 0 && descriptor < DESCRIPTORS && watched[descriptor];
}

static uint64_t inode_of(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) ? 0 : status.st_ino;
}

/* Called under the lock, so that a process that dies here has done nothing that is not recorded. */
static void append(enum kind kind, const char *path, uint64_t inode, uint64_t offset, const void *data,
                   size_t data_length, uint64_t sync) {
  struct record record = {kind, path ? strlen(path) : 0, inode, offset, data_length, sync};
  struct iovec parts[] = {{&record, sizeof record}, {(void *)path, record.path_length}, {(void *)data, data_length}};
  ssize_t expected = sizeof record + record.path_length + data_length;
  if (syscall(SYS_writev, log_descriptor, parts, 3) != expected) abort();
  if (++records == last_record) raise(SIGKILL);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int open_file(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (!is_inside(path)) {
    int descriptor = real(path, flags, mode);
    if (descriptor >= 0 && descriptor < DESCRIPTORS) watched[descriptor] = 0;
    return descriptor;
  }
  lock();
  struct stat status;
  int existed = !stat(path, &status);
  int descriptor = real(path, flags, mode);
  if (descriptor >= 0 && descriptor < DESCRIPTORS) {
    watched[descriptor] = lie && *lie && ends_with(path, lie) ? 2 : 1;
    if (!existed) append(CREATE, path, inode_of(descriptor), 0, 0, 0, 0);
    else if (flags & O_TRUNC) append(TRUNCATE, 0, inode_of(descriptor), 0, 0, 0, 0);
  }
  unlock();
  return descriptor;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list arguments; \
    va_start(arguments, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
    va_end(arguments); \
    return open_file(real, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

int close(int descriptor) {
  if (descriptor >= 0 && descriptor < DESCRIPTORS) watched[descriptor] = 0;
  return syscall(SYS_close, descriptor);
}

static ssize_t write_at(int descriptor, const void *data, size_t length, off_t offset, int at_offset) {
  if (!is_watched(descriptor))
    return at_offset ? syscall(SYS_pwrite64, descriptor, data, length, offset) : syscall(SYS_write, descriptor, data, length);
  lock();
  int appends = fcntl(descriptor, F_GETFL) & O_APPEND;
  struct stat status;
  if (appends && !fstat(descriptor, &status)) offset = status.st_size;
  else if (!at_offset) offset = lseek(descriptor, 0, SEEK_CUR);
  ssize_t written = at_offset ? syscall(SYS_pwrite64, descriptor, data, length, offset) : syscall(SYS_write, descriptor, data, length);
  if (written > 0) append(WRITE, 0, inode_of(descriptor), offset, data, written, 0);
  unlock();
  return written;
}

ssize_t write(int descriptor, const void *data, size_t length) { return write_at(descriptor, data, length, 0, 0); }
ssize_t pwrite(int descriptor, const void *data, size_t length, off_t offset) { return write_at(descriptor, data, length, offset, 1); }
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) { return write_at(descriptor, data, length, offset, 1); }

/* What nobody is known to use on these files must not go by unseen. */
#define REFUSE(type, name, parameters, arguments) \
  type name parameters { \
    REAL(name); \
    if (is_watched(descriptor)) abort(); \
    return real arguments; \
  }
REFUSE(ssize_t, writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
REFUSE(ssize_t, pwritev, (int descriptor, const struct iovec *parts, int count, off_t offset), (descriptor, parts, count, offset))
REFUSE(int, fallocate, (int descriptor, int mode, off_t offset, off_t length), (descriptor, mode, offset, length))
REFUSE(int, posix_fallocate, (int descriptor, off_t offset, off_t length), (descriptor, offset, length))
REFUSE(int, posix_fallocate64, (int descriptor, off64_t offset, off64_t length), (descriptor, offset, length))

int ftruncate64(int descriptor, off64_t size) {
  if (!is_watched(descriptor)) return syscall(SYS_ftruncate, descriptor, size);
  lock();
  int failed = syscall(SYS_ftruncate, descriptor, size);
  if (!failed) append(TRUNCATE, 0, inode_of(descriptor), size, 0, 0, 0);
  unlock();
  return failed;
}
int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

static int sync_file(int descriptor, long call) {
  if (!is_watched(descriptor)) return syscall(call, descriptor);
  if (watched[descriptor] == 2) return 0;
  uint64_t inode = inode_of(descriptor);
  lock();
  uint64_t number = ((uint64_t)getpid() << 32) | ++syncs;
  append(SYNC_BEGIN, 0, inode, 0, 0, 0, number);
  unlock();
  int failed = syscall(call, descriptor);
  if (failed) return failed;
  lock();
  append(SYNC_END, 0, inode, 0, 0, 0, number);
  unlock();
  return 0;
}
int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }

int unlink(const char *path) {
  if (!is_inside(path)) return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  lock();
  struct stat status;
  uint64_t inode = stat(path, &status) ? 0 : status.st_ino;
  int failed = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!failed) append(UNLINK, path, inode, 0, 0, 0, 0);
  unlock();
  return failed;
}

int rename(const char *from, const char *to) {
  if (is_inside(from) || is_inside(to)) abort();
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode) {
  if (!is_inside(path)) return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  lock();
  struct stat status;
  int failed = syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (!failed && !stat(path, &status)) append(MAKE_FOLDER, path, status.st_ino, 0, 0, 0, 0);
  unlock();
  return failed;
}
