import Glibc

/// A pipe by which a thread or a signal handler wakes the loop: non-blocking, closed in child processes.
struct WakePipe {
  let readEnd: CInt
  let writeEnd: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    pipe(&ends)
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    readEnd = ends[0]
    writeEnd = ends[1]
  }
}
