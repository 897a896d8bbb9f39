/* Time that runs faster for one program: with this library preloaded and FAST_TIME=20, its steady clock, the time limits
 * of its polls and the times that the kernel tells of its connections are twenty times what they are.
 *
 * What the program does in a day can so be measured in an hour. The wall clock, sleeping and the kernel's own timers
 * stay as they are. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const long long second_ns = 1000000000;

static long rate(void) {
  static long value;
  if (value == 0) {
    const char *text = getenv("FAST_TIME");
    value = text ? strtol(text, NULL, 10) : 1;
    if (value < 1) value = 1;
  }
  return value;
}

/* The clocks count from the machine's start, so that all programs at one rate agree. */
int clock_gettime(clockid_t clock, struct timespec *time) {
  long status = syscall(SYS_clock_gettime, clock, time);
  if (status != 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)) return (int)status;
  long long now_ns = (time->tv_sec * second_ns + time->tv_nsec) * rate();
  time->tv_sec = now_ns / second_ns;
  time->tv_nsec = now_ns % second_ns;
  return 0;
}

int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *mask) {
  struct timespec left;
  if (limit) {
    long long left_ns = (limit->tv_sec * second_ns + limit->tv_nsec) / rate();
    left = (struct timespec){left_ns / second_ns, left_ns % second_ns};
  }
  return (int)syscall(SYS_ppoll, entries, count, limit ? &left : NULL, mask, _NSIG / 8);
}

int poll(struct pollfd *entries, nfds_t count, int limit_ms) {
  struct timespec limit = {limit_ms / 1000, limit_ms % 1000 * 1000000};
  return ppoll(entries, count, limit_ms < 0 ? NULL : &limit, NULL);
}

/* What fortified programs call in their place. */
int __poll_chk(struct pollfd *entries, nfds_t count, int limit_ms, size_t size) {
  (void)size;
  return poll(entries, count, limit_ms);
}

int __ppoll_chk(struct pollfd *entries, nfds_t count, const struct timespec *limit, const sigset_t *mask, size_t size) {
  (void)size;
  return ppoll(entries, count, limit, mask);
}

int getsockopt(int descriptor, int level, int name, void *value, socklen_t *length) {
  int status = (int)syscall(SYS_getsockopt, descriptor, level, name, value, length);
  if (status == 0 && level == IPPROTO_TCP && name == TCP_INFO && *length >= sizeof(struct tcp_info)) {
    struct tcp_info *info = value;
    info->tcpi_rto *= rate();
    info->tcpi_rtt *= rate();
    info->tcpi_rttvar *= rate();
    info->tcpi_last_data_sent *= rate();
    info->tcpi_last_data_recv *= rate();
    info->tcpi_last_ack_recv *= rate();
  }
  return status;
}
