/*
 * A slow disk, and one that fails. Preloaded (LD_PRELOAD) into the process under test.
 *
 * HANDCAR_SYNC_DELAY    microseconds by which every fsync and fdatasync takes longer
 * HANDCAR_SYNC_FAIL     end of the path of the file whose sync fails with EIO when the file named by
 * HANDCAR_SYNC_TRIGGER  is there, which is removed by that. As Linux does it, every descriptor of the file that is open
 *                       at this moment fails once; later syncs, and descriptors opened later, succeed as if nothing had
 *                       happened
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS 1024
static volatile char fails[DESCRIPTORS];

static int is_called(int descriptor, const char *end) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < (ssize_t)strlen(end)) return 0;
  path[length] = 0;
  return !strcmp(path + length - strlen(end), end);
}

static int sync_file(int descriptor, long call) {
  const char *delay = getenv("HANDCAR_SYNC_DELAY"), *fail = getenv("HANDCAR_SYNC_FAIL"),
             *trigger = getenv("HANDCAR_SYNC_TRIGGER");
  if (delay) {
    long microseconds = atol(delay);
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&time, 0);
  }
  if (fail && trigger && is_called(descriptor, fail) && !unlink(trigger)) {
    for (int other = 0; other < DESCRIPTORS; other++) fails[other] = is_called(other, fail);
  }
  if (descriptor < DESCRIPTORS && fails[descriptor]) {
    fails[descriptor] = 0;
    errno = EIO;
    return -1;
  }
  return syscall(call, descriptor);
}

int close(int descriptor) {
  if (descriptor >= 0 && descriptor < DESCRIPTORS) fails[descriptor] = 0;
  return syscall(SYS_close, descriptor);
}
int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }
