// Linux headers and calls that Swift's Glibc module does not import. None of them may bring what that module has, too,
// such as struct stat: whose it is would then depend on which of the two was read first.
#pragma once
#ifdef __linux__
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signalfd.h>

// What is read of the kernel's struct tcp_info. The kernel's own header cannot be shown to Swift beside glibc's,
// which has an older structure of the same name without the byte counts.
struct clinux_connection_health {
  uint32_t last_data_received_ms;
  uint32_t last_acknowledgement_received_ms;
  uint32_t round_trip_us;
  uint64_t bytes_received;
  uint64_t bytes_acknowledged;
};

// Reads a tcp_info of any kernel: what an older, shorter one does not have is zero.
struct clinux_connection_health clinux_read_tcp_info(const void *bytes, size_t count);

// pipe2 with O_CLOEXEC, a GNU extension.
int clinux_pipe(int ends[2]);

// flock(2) for an exclusive lock, without waiting: 0, or -1 with errno.
int clinux_try_lock(int descriptor);

// prctl is variadic, which Swift cannot call. From then on orphans among our descendants become our children.
int clinux_become_child_subreaper(void);
#endif
