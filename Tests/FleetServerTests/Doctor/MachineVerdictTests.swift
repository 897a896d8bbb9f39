import FleetProtocol
import GRDB
import Testing

@testable import FleetServer

/// How doctor judges the machine and the account.
@Suite struct MachineVerdictTests {
  // MARK: Capacity

  private func capacity(
    _ devices: Int, _ limits: ResourceLimits, mode: HostSettings.SSHDMode = .private
  ) -> [HostFinding.Code: HostFinding.Severity] {
    let findings = CapacityVerdict(
      devices: devices, mode: mode, limits: limits, maxStartups: MaxStartups(start: 200, rate: 30, full: 400)
    ).findings
    return Dictionary(uniqueKeysWithValues: findings.map { ($0.code, $0.severity) })
  }

  @Test func memoryAllowsSoManyDevices() {
    let gibibyte = ResourceLimits(memory_KiB: 1 << 20, openFiles: 1024, processes: nil)
    #expect(capacity(360, gibibyte)[.memory] == .fine)
    #expect(capacity(370, gibibyte)[.memory] == .warning)
    #expect(capacity(487, gibibyte)[.memory] == .warning)
    #expect(capacity(488, gibibyte)[.memory] == .serious)
    #expect(capacity(1, ResourceLimits())[.memory] == .warning)
  }

  @Test func openFilesAndProcesses() {
    func judged(_ files: Int?, _ processes: Int?, group: Int? = nil, mode: HostSettings.SSHDMode = .private)
      -> [HostFinding.Severity?]
    {
      let found = capacity(
        100, ResourceLimits(openFiles: files, processes: processes, groupProcesses: group), mode: mode)
      return [found[.openFiles], found[.processes]]
    }
    #expect(judged(864, nil) == [.fine, .fine] && judged(863, 264) == [.warning, .fine])
    #expect(judged(63, 263) == [.serious, .warning] && judged(nil, 199) == [.warning, .serious])
    #expect(judged(64, 199, mode: .system) == [.fine, .fine])
    #expect(judged(1024, nil, group: 199) == [.fine, .serious])
  }

  @Test func theKernelsTextsAreRead() {
    let limits = ResourceLimits(
      limits: """
        Limit                     Soft Limit           Hard Limit           Units
        Max processes             96365                96365                processes
        Max open files            1024                 524288               files
        """,
      meminfo: "MemTotal:       24684084 kB\nMemFree:  1 kB", cgroupProcesses: ["max", "4000", "9000"],
      cgroupMemory: ["max", "1073741824", "9223372036854771712"])
    #expect(
      limits == ResourceLimits(memory_KiB: 1 << 20, openFiles: 1024, processes: 96365, groupProcesses: 4000))
    let none = ResourceLimits(
      limits: "Max processes             unlimited            unlimited            processes", meminfo: "",
      cgroupProcesses: [], cgroupMemory: [])
    #expect(none == ResourceLimits())
    let files = CgroupFiles(parsing: "8:pids:/user/fleet\n4:cpu,memory:/m\n0::/\n:::")
    #expect(
      files.processes == [
        "/sys/fs/cgroup/pids/user/fleet/pids.max", "/sys/fs/cgroup/pids/user/pids.max", "/sys/fs/cgroup/pids/pids.max",
        "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/unified/pids.max",
      ])
    #expect(
      files.memory.prefix(2) == [
        "/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
      ])
  }

  // MARK: Ports and processes

  @Test func theLeaseRangeAndTheKernels() throws {
    func judged(_ range: String, reserved: String = "") throws -> HostFinding.Severity {
      PortVerdict.leaseRange(
        try #require(PortRange(parsing: range)), ephemeral: PortRange(parsing: "32768-60999"),
        reserved: PortVerdict.reserved(parsing: reserved)
      ).severity
    }
    #expect(try judged("20000-29999") == .fine && judged("20000-32768") == .warning)
    #expect(try judged("40000-40009", reserved: "8080,39000-41000\n") == .fine)
    #expect(try judged("40000-40009", reserved: "40000-40005") == .warning)
    let unknown = PortVerdict.leaseRange(
      try #require(PortRange(parsing: "20000-29999")), ephemeral: nil, reserved: [])
    #expect(unknown.what.hasPrefix("not known"))
  }

  @Test func whoListensOnALeasedPort() throws {
    let port = try #require(TCPPort(20007))
    func judged(_ holders: [TCPPort: UInt32]) -> HostFinding {
      PortVerdict.foreignListeners(leases: [port: "kitchen-pi"], holders: holders, account: 1000) { "number \($0)" }
    }
    #expect(judged([:]).severity == .fine && judged([port: 1000]).severity == .fine)
    let foreign = judged([port: 33])
    #expect(foreign.severity == .serious && foreign.what == "port 20007 of kitchen-pi is number 33's")
  }

  @Test func whetherSSHDListens() throws {
    func judged(_ mode: HostSettings.SSHDMode, _ holder: UInt32?) throws -> HostFinding.Severity {
      let settings = HostSettings(
        address: "h", listen: try #require(ListenAddress(parsing: "0.0.0.0:2222")),
        ports: try #require(PortRange(parsing: "20000-29999")), sshdMode: mode,
        account: try LoginName(validating: "fleet"))
      return PortVerdict.sshdListener(
        settings, holder: holder, account: 1000, name: { "number \($0)" }, start: .shell("start")
      ).severity
    }
    #expect(try judged(.private, nil) == .serious && judged(.private, 1000) == .fine)
    #expect(try judged(.private, 33) == .serious)
    #expect(try judged(.system, nil) == .serious && judged(.system, 0) == .fine)
  }

  @Test func whoHoldsTheLockOfRun() {
    let locks = """
      1: POSIX  ADVISORY  WRITE 17590 fe:00:16386308 1073741824 1073742335
      2: FLOCK  ADVISORY  WRITE 17668 fe:00:16728285 0 EOF
      """
    #expect(RunProcess(locks: locks, inode: 16_728_285) == .running(pid: 17668))
    #expect(RunProcess(locks: locks, inode: 16_386_308) == .none)
    #expect(RunProcess(locks: locks, inode: nil) == .none && RunProcess(locks: nil, inode: 1) == .unknown)
    for mode in HostSettings.SSHDMode.allCases {
      #expect(PortVerdict.run(.running(pid: 7), mode: mode, start: .shell("start")).severity == .fine)
      #expect(PortVerdict.run(.none, mode: mode, start: .shell("start")).severity == .warning)
      #expect(PortVerdict.run(.unknown, mode: mode, start: .shell("start")).what.hasPrefix("not known"))
    }
  }

  // MARK: Account, clock, disk, folder

  @Test func theLoginShell() throws {
    func judged(_ shell: String, canRun: Bool = true) throws -> HostFinding.Severity {
      let account = Account(
        name: try LoginName(validating: "fleet"), uid: 1000, homeFolder: "/home/fleet", shell: shell)
      return StateVerdict.loginShell(account, canRun: canRun).severity
    }
    #expect(try judged("/bin/sh") == .fine && judged("") == .fine)
    #expect(try judged("/usr/sbin/nologin") == .serious && judged("/bin/gone", canRun: false) == .serious)
  }

  @Test func theClock() {
    let installed: Int64 = 1_800_000_000
    func judged(_ now_s: Int64, newest_s: Int64? = nil) -> HostFinding.Severity {
      StateVerdict.clock(now_s: now_s, program_s: installed, newest_s: newest_s).severity
    }
    #expect(judged(installed) == .fine && judged(installed - 90_000) == .serious)
    #expect(judged(installed + 10 * 31_536_000) == .fine && judged(installed + 50 * 31_536_000) == .serious)
    #expect(judged(installed, newest_s: installed + 299) == .fine)
    #expect(judged(installed, newest_s: installed + 301) == .warning)
    #expect(StateVerdict.clock(now_s: 0, program_s: nil, newest_s: nil).severity == .fine)
  }

  @Test func theDisk() {
    func judged(_ free_MiB: Int, _ inodes: Int?) -> HostFinding.Severity {
      StateVerdict.disk(free_MiB: free_MiB, inodes: inodes, path: "/").severity
    }
    #expect(judged(256, nil) == .fine && judged(256, 1000) == .fine)
    #expect(judged(255, nil) == .warning && judged(9999, 999) == .warning)
    #expect(judged(15, nil) == .serious && judged(9999, 49) == .serious)
  }

  @Test func permissions() {
    #expect(OpenFile(ownFile: "/h/registry.db", mode: 0o600, isHostKey: false) == nil)
    #expect(OpenFile(strict: "/h/.ssh", mode: 0o755) == nil)
    let copy = OpenFile(ownFile: "/h/registry.db", mode: 0o644, isHostKey: false)
    let key = OpenFile(ownFile: "/h/key", mode: 0o640, isHostKey: true)
    let strict = OpenFile(strict: "/h/.ssh", mode: 0o775)
    func judged(_ files: [OpenFile?], objection: Refusal? = nil) -> HostFinding {
      StateVerdict.permissions(objection: objection, open: files.compactMap { $0 }, home: "/h")
    }
    #expect(judged([]).severity == .fine && judged([copy]).severity == .warning)
    #expect(judged([copy, key]).mend?.line == "chmod go= /h/key" && judged([key]).severity == .serious)
    #expect(judged([strict]).mend?.line == "chmod go-w /h/.ssh" && judged([strict]).severity == .serious)
    let objection = FolderTrust(path: "/h", owner: 1000, mode: 0o755).objection(account: 1000, isHome: true)
    #expect(judged([], objection: objection).mend == .shell("chmod 700 /h"))
    let foreign = FolderTrust(path: "/h", owner: 1, mode: 0o700).objection(account: 1000, isHome: true)
    #expect(judged([], objection: foreign).mend?.place == "by hand")
  }

  // MARK: Registry

  @Test func aRegistryIsExamined() throws {
    let folder = try TemporaryFolder()
    let home = try folder.home()
    let registry = try Registry.create(home)
    _ = try registry.addOperator(
      try OperatorName(validating: "anna"), key: try sampleKey(1), by: .host, now_s: 1_800_000_000)
    #expect(try registry.complaints().isEmpty && registry.newestRow_s() == 1_800_000_000)
    #expect(try registry.wantedKeys(now_s: 0).operators.map(\.name.rawValue) == ["anna"])
  }

  @Test func aRowWithoutItsDeviceIsAComplaint() throws {
    let folder = try TemporaryFolder()
    let home = try folder.home()
    let registry = try Registry.create(home)
    var configuration = RegistryFile.configuration
    configuration.foreignKeysEnabled = false
    try DatabaseQueue(path: RegistryFile.uri(home.registry), configuration: configuration).write { db in
      try db.execute(sql: "INSERT INTO leases (port, device, leased_s) VALUES (20000, 'nobody', 0)")
    }
    #expect(try registry.complaints() == ["a row of leases speaks of one that is not there"])
    #expect(StateVerdict.registry(["x"], devices: 1).severity == .serious)
    #expect(StateVerdict.registry([], devices: 1).severity == .fine)
    for (code, severity) in [
      (Refusal.Code.registryBusy, HostFinding.Severity.warning), (.registryDamaged, .serious),
      (.registryNewer, .serious),
    ] {
      #expect(StateVerdict.registry(Refusal(code, "so it is", hint: "do it"), file: "/r").severity == severity)
    }
  }
}
