// Preloaded into a program: its wall clock is off by the seconds that stand in the file that was named to the compiler,
// asked anew each time. The other clocks are the kernel's own.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset_s(void) {
  // sshd shuts itself into a sandbox in which it opens no file.
  static long long last = 0;
  FILE *file = fopen(WALL_CLOCK_OFFSET, "r");
  if (file == NULL) return last;
  if (fscanf(file, "%lld", &last) != 1) abort();
  fclose(file);
  return last;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int status = (int)syscall(SYS_clock_gettime, clock, now);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset_s();
  return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  int status = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return status;
}

time_t time(time_t *where) {
  struct timespec precise;
  clock_gettime(CLOCK_REALTIME, &precise);
  if (where != NULL) *where = precise.tv_sec;
  return precise.tv_sec;
}
