#ifdef __linux__
#define _GNU_SOURCE
#include "CLinux.h"
#include <fcntl.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

struct clinux_connection_health clinux_read_tcp_info(const void *bytes, size_t count) {
  struct tcp_info info;
  memset(&info, 0, sizeof info);
  memcpy(&info, bytes, count < sizeof info ? count : sizeof info);
  struct clinux_connection_health health = {
      .last_data_received_ms = info.tcpi_last_data_recv,
      .last_acknowledgement_received_ms = info.tcpi_last_ack_recv,
      .round_trip_us = info.tcpi_rtt,
      .bytes_received = info.tcpi_bytes_received,
      .bytes_acknowledged = info.tcpi_bytes_acked,
  };
  return health;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_try_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int clinux_become_child_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
#endif
