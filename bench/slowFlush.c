/* Makes every flush of a process take longer, by SLOW_FLUSH_US: cc -shared -fPIC, then LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

typedef int (*flush)(int);

static int slowly(const char *name, int file) {
  const char *asked = getenv("SLOW_FLUSH_US");
  long us = asked ? atol(asked) : 0;
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  int result = ((flush)dlsym(RTLD_NEXT, name))(file);
  while (nanosleep(&left, &left) != 0) {
  }
  return result;
}

int fsync(int file) { return slowly("fsync", file); }

int fdatasync(int file) { return slowly("fdatasync", file); }
