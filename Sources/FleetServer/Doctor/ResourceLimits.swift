/// What a process may use at most; `nil` where there is no limit.
struct ResourceLimits: Hashable {
  var memory_KiB: Int?
  var openFiles: Int?
  /// For the whole account.
  var processes: Int?
  /// For the process's cgroup.
  var groupProcesses: Int?

  init(memory_KiB: Int? = nil, openFiles: Int? = nil, processes: Int? = nil, groupProcesses: Int? = nil) {
    self.memory_KiB = memory_KiB
    self.openFiles = openFiles
    self.processes = processes
    self.groupProcesses = groupProcesses
  }

  /// From the texts of /proc/PID/limits and /proc/meminfo and the limits that stand in the process's cgroup and above.
  init(limits: String, meminfo: String, cgroupProcesses: [String], cgroupMemory: [String]) {
    openFiles = Self.soft("Max open files", in: limits)
    processes = Self.soft("Max processes", in: limits)
    groupProcesses = cgroupProcesses.compactMap { Int($0) }.min()
    let total_KiB = meminfo.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
      .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }
    memory_KiB = ([total_KiB] + cgroupMemory.map { Int($0).map { $0 / 1024 } }).compactMap { $0 }.min()
  }

  /// The first number behind the name.
  private static func soft(_ name: String, in limits: String) -> Int? {
    limits.split(separator: "\n").first { $0.hasPrefix(name) }?.dropFirst(name.count)
      .split(separator: " ").first.flatMap { Int($0) }
  }
}

/// The files in which the limits of a process's cgroups stand.
struct CgroupFiles: Hashable {
  private(set) var processes: [String] = []
  private(set) var memory: [String] = []

  /// From the text of /proc/PID/cgroup: those of its own group and of all above, of both versions.
  init(parsing text: String) {
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, parts[2].hasPrefix("/") else { continue }
      for path in Self.upwards(String(parts[2])) {
        if parts[0] == "0" {
          for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            processes.append("\(root)\(path)pids.max")
            memory.append("\(root)\(path)memory.max")
          }
        }
        let controllers = parts[1].split(separator: ",")
        if controllers.contains("pids") { processes.append("/sys/fs/cgroup/pids\(path)pids.max") }
        if controllers.contains("memory") { memory.append("/sys/fs/cgroup/memory\(path)memory.limit_in_bytes") }
      }
    }
  }

  /// `/a/b` is `/a/b/`, `/a/` and `/`.
  private static func upwards(_ path: String) -> [String] {
    var parts = path.split(separator: "/")
    var paths: [String] = []
    while !parts.isEmpty {
      paths.append("/" + parts.joined(separator: "/") + "/")
      parts.removeLast()
    }
    return paths + ["/"]
  }
}
