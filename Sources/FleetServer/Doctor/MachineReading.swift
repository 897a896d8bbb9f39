import FleetProtocol
import Glibc

/// Reads from the kernel what doctor judges.
enum MachineReading {
  /// The limits of a process; memory is the machine's where no cgroup has less.
  static func limits(of pid: Int32) -> ResourceLimits {
    let cgroups = CgroupFiles(parsing: FileReading.line(of: "/proc/\(pid)/cgroup") ?? "")
    return ResourceLimits(
      limits: FileReading.line(of: "/proc/\(pid)/limits") ?? "", meminfo: FileReading.line(of: "/proc/meminfo") ?? "",
      cgroupProcesses: cgroups.processes.compactMap { FileReading.line(of: $0) },
      cgroupMemory: cgroups.memory.compactMap { FileReading.line(of: $0) })
  }

  static func run(_ home: Home) -> RunProcess {
    var file = stat()
    let inode = stat(home.runLock, &file) == 0 ? UInt64(file.st_ino) : nil
    return RunProcess(locks: FileReading.line(of: "/proc/locks"), inode: inode)
  }

  static func disk(of path: String) -> HostFinding {
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else {
      return .notKnown(.disk, Refusal.systemCall("\(path) cannot be asked").message)
    }
    let free_MiB = Int(
      clamping: UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize)).partialValue >> 20)
    return StateVerdict.disk(
      free_MiB: free_MiB, inodes: disk.f_files == 0 ? nil : Int(clamping: disk.f_favail), path: path)
  }

  /// When this program's file was written.
  static func programTime_s() -> Int64? {
    var file = stat()
    return stat("/proc/self/exe", &file) == 0 ? Int64(file.st_mtim.tv_sec) : nil
  }

  static func program(_ path: String) -> KeyProgramVerdict.Found {
    var file = stat()
    guard stat(path, &file) == 0 else { return .missing }
    guard access(path, X_OK) == 0 else { return .unusable }
    var own = stat()
    guard stat("/proc/self/exe", &own) == 0 else { return .another }
    return file.st_ino == own.st_ino && file.st_dev == own.st_dev ? .same : .another
  }

  static func mode(of path: String) -> UInt32? {
    var file = stat()
    return stat(path, &file) == 0 ? file.st_mode & 0o7777 : nil
  }

  static func accountName(_ uid: UInt32) -> String {
    getpwuid(uid).map { "the account \(String(cString: $0.pointee.pw_name))" } ?? "the account number \(uid)"
  }

  static func leaseRange(_ ports: PortRange) -> HostFinding {
    PortVerdict.leaseRange(
      ports,
      ephemeral: PortRangeRule.machinesEphemeral(),
      reserved: PortVerdict.reserved(parsing: FileReading.line(of: "/proc/sys/net/ipv4/ip_local_reserved_ports") ?? ""))
  }
}
