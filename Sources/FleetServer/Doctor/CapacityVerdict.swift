import FleetProtocol

/// How many devices the machine's memory and the account's limits allow.
struct CapacityVerdict {
  /// What sshd takes for one idle tunnel (measured).
  static let tunnel_KiB = 2150

  let devices: Int
  let mode: HostSettings.SSHDMode
  let limits: ResourceLimits
  let maxStartups: MaxStartups?

  var findings: [HostFinding] { [memory, openFiles, processes] }

  private var memory: HostFinding {
    guard let memory_KiB = limits.memory_KiB else { return .notKnown(.memory, "this system does not say it") }
    let room = memory_KiB / Self.tunnel_KiB
    let shown = "\(memory_KiB / 1024) MiB, enough for \(room) devices; registered: \(devices)"
    let mend = HostFinding.Mend(
      line: "\((devices * Self.tunnel_KiB / 3 * 4 + 1023) / 1024) MiB",
      place: "the memory that HostA is given, at least")
    if devices > room {
      return HostFinding(
        .serious, .memory, shown, consequence: "from device number \(room + 1) on the kernel ends programs of HostA",
        mend: mend)
    }
    if devices * 4 > room * 3 {
      return HostFinding(
        .warning, .memory, shown, consequence: "little is left for whatever else HostA does", mend: mend)
    }
    return .fine(.memory, shown)
  }

  /// sshd's listener keeps two open for each connection that is logging in.
  private var openFiles: HostFinding {
    guard let limit = limits.openFiles else { return .notKnown(.openFiles, "the process's limits cannot be read") }
    let needed = 64 + (mode == .private ? 2 * (maxStartups?.full ?? 0) : 0)
    let shown = "\(limit) open files for each process"
    guard limit < needed else { return .fine(.openFiles, shown) }
    return HostFinding(
      limit < 64 ? .serious : .warning, .openFiles, shown,
      consequence: limit < 64
        ? "HostA's programs cannot open what they work with"
        : "sshd needs \(needed) when many devices log in at once, and refuses connections before that",
      mend: .init(
        line: "LimitNOFILE=65536",
        place: "[Service] of the unit that starts 'fleet-server run'; without systemd, 'ulimit -n 65536' before it"))
  }

  /// A tunnel of the private sshd is two processes of the account's, one of the system's sshd.
  private var processes: HostFinding {
    guard let limit = [limits.processes, limits.groupProcesses].compactMap({ $0 }).min() else {
      return .fine(.processes, "no limit for the account's processes")
    }
    let needed = devices * (mode == .private ? 2 : 1)
    let shown = "\(limit) processes; the devices need \(needed)"
    let mend = HostFinding.Mend(
      line: limit == limits.groupProcesses ? "TasksMax=infinity" : "LimitNPROC=infinity",
      place: "[Service] of the unit that starts 'fleet-server run'; without systemd, 'ulimit -u' before it")
    if needed > limit {
      return HostFinding(
        .serious, .processes, shown, consequence: "sshd cannot start the process that carries the next connection",
        mend: mend)
    }
    if needed + 64 > limit {
      return HostFinding(
        .warning, .processes, shown, consequence: "little is left for operators' requests, each of which is a process",
        mend: mend)
    }
    return .fine(.processes, shown)
  }
}
