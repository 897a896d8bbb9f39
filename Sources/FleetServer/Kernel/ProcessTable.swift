import Glibc

/// Looks up processes in /proc.
enum ProcessTable {
  static func process(_ pid: Int32) -> FoundProcess? {
    var folder = stat()
    // The folder itself, unlike what is in it, belongs to the process's own user even when it is not dumpable.
    guard stat("/proc/\(pid)", &folder) == 0,
      let line = try? FileReading.bytes(of: "/proc/\(pid)/stat"), let process = ProcessStat(parsing: line)
    else { return nil }
    return FoundProcess(stat: process, uid: folder.st_uid)
  }

  /// The command line of a process of our own account; empty when it is gone.
  static func arguments(of pid: Int32) -> [String] {
    let bytes = (try? FileReading.bytes(of: "/proc/\(pid)/cmdline")).flatMap { $0 } ?? []
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// This boot of the machine.
  static func bootID() -> String { FileReading.line(of: "/proc/sys/kernel/random/boot_id") ?? "" }

  /// Now, in the clock ticks since boot in which /proc says when a process started.
  static func ticks() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return UInt64(now.tv_sec) * ticksPerSecond + UInt64(now.tv_nsec) * ticksPerSecond / 1_000_000_000
  }

  static var ticksPerSecond: UInt64 { UInt64(sysconf(Int32(_SC_CLK_TCK))) }

  /// The parents of this process, nearest first.
  static func ownAncestors() -> [ProcessStat] {
    var ancestors: [ProcessStat] = []
    var pid = getppid()
    while pid > 0, ancestors.count < 64, let found = process(pid) {
      ancestors.append(found.stat)
      pid = found.stat.parent
    }
    return ancestors
  }

  static func all() -> [FoundProcess] {
    FolderListing.names(in: "/proc").compactMap { Int32($0).flatMap { process($0) } }
  }

  /// Every process below `pid`, in no order.
  static func descendants(of pid: Int32) -> [FoundProcess] {
    let children = Dictionary(grouping: all(), by: \.stat.parent)
    var found: [FoundProcess] = []
    var parents = [pid]
    while let parent = parents.popLast() {
      for child in children[parent] ?? [] {
        found.append(child)
        parents.append(child.stat.pid)
      }
    }
    return found
  }
}
