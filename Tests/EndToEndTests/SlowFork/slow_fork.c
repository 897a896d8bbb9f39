/* A machine on which the one that forks, and still more the one that is forked, comes late: what happens between a fork and
   the next step then happens every time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long wait_ms) {
  struct timespec left = {0, wait_ms * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR)
    ;
}

pid_t fork(void) {
  pid_t (*real_fork)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
  pid_t pid = real_fork();
  int reason = errno;
  sleep_ms(pid == 0 ? 90 : 30);
  errno = reason;
  return pid;
}
