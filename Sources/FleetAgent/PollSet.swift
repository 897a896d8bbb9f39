import Glibc

/// The descriptors that one turn of the loop waits for.
struct PollSet {
  private var entries: [pollfd] = []

  mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// Returns where to find what became ready. `events` may be 0: errors and hang-ups are always told.
  mutating func add(_ descriptor: CInt, _ events: CInt) -> Int {
    entries.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
    return entries.count - 1
  }

  /// Waits until something is ready, at most `limit`; without a limit, for as long as it takes.
  mutating func wait(limit: Duration?) {
    // One millisecond more, so that a deadline has passed when poll returns for it.
    let limit_ms = limit.map { CInt(clamping: $0 <= .zero ? 0 : $0.milliseconds + 1) } ?? -1
    if poll(&entries, nfds_t(entries.count), limit_ms) < 0 {
      for index in entries.indices { entries[index].revents = 0 }
    }
  }

  func isReady(_ slot: Int?, _ events: CInt) -> Bool {
    guard let slot else { return false }
    return CInt(entries[slot].revents) & (events | POLLERR | POLLHUP | POLLNVAL) != 0
  }
}
