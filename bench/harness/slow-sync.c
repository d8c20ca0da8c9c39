/* Delays fsync and fdatasync, to measure what a slower disk would do: cc -shared -fPIC -o slow-sync.so slow-sync.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void delay(void) {
  const char *text = getenv("SLOW_SYNC_MICROSECONDS");
  long microseconds = text ? atol(text) : 0;
  struct timespec pause = { microseconds / 1000000, (microseconds % 1000000) * 1000 };
  if (microseconds > 0) nanosleep(&pause, NULL);
}

int fsync(int descriptor) {
  static int (*original)(int);
  if (!original) original = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  delay();
  return original(descriptor);
}

int fdatasync(int descriptor) {
  static int (*original)(int);
  if (!original) original = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  delay();
  return original(descriptor);
}
