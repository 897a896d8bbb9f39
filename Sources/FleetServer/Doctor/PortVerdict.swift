import FleetProtocol

/// Whether devices get their ports, and whether somebody lets them in.
enum PortVerdict {
  /// - Parameter reserved: the ports that the kernel gives to no outgoing connection, of ip_local_reserved_ports.
  static func leaseRange(_ ports: PortRange, ephemeral: PortRange?, reserved: [PortRange]) -> HostFinding {
    guard let ephemeral else { return .notKnown(.leaseRange, "the kernel does not say which ports it uses") }
    let shown = "\(ports), the kernel's own are \(ephemeral)"
    let overlap = PortRange(max(ports.lower, ephemeral.lower), min(ports.upper, ephemeral.upper))
    guard let overlap, !reserved.contains(where: { $0.contains(overlap.lower) && $0.contains(overlap.upper) }) else {
      return .fine(.leaseRange, shown)
    }
    return HostFinding(
      .warning, .leaseRange, shown,
      consequence:
        "now and then an outgoing connection of HostA holds the port of a device, which cannot come back then",
      mend: .rootShell("sysctl -w net.ipv4.ip_local_reserved_ports=\(overlap)"))
  }

  /// Parses `20000-29999,8080`.
  static func reserved(parsing text: String) -> [PortRange] {
    text.split(whereSeparator: { $0 == "," || $0 == "\n" }).compactMap { word in
      PortRange(parsing: word) ?? TCPPort(parsing: word).flatMap { PortRange($0, $0) }
    }
  }

  /// - Parameter leases: the leased ports, and what each one's device is called.
  static func foreignListeners(
    leases: [TCPPort: String], holders: [TCPPort: UInt32], account: UInt32, name: (UInt32) -> String
  ) -> HostFinding {
    let taken = leases.keys.filter { holders[$0].map { $0 != account } ?? false }.sorted()
    guard let first = taken.first, let holder = holders[first] else {
      return .fine(.foreignListeners, "nobody else listens on a leased port")
    }
    let more = taken.count > 1 ? " and \(taken.count - 1) more" : ""
    return HostFinding(
      .serious, .foreignListeners,
      "port \(first) of \(leases[first] ?? "a device") is \(DisplayText.escaped(name(holder), limit: 40))'s\(more)",
      consequence: "the device cannot come back, and fleet lets no operator through to whoever listens there",
      mend: .rootShell("ss -ltnp 'sport = :\(first)'   # names the program; end it"))
  }

  /// - Parameter holder: who listens there, `nil` for nobody.
  static func sshdListener(
    _ settings: HostSettings, holder: UInt32?, account: UInt32, name: (UInt32) -> String, start: HostFinding.Mend
  ) -> HostFinding {
    guard let holder else {
      return HostFinding(
        .serious, .sshdListener, "nobody listens on port \(settings.listen.port)",
        consequence: "no device and no operator reaches HostA",
        mend: settings.sshdMode == .private ? start : .rootShell("systemctl start ssh"))
    }
    guard settings.sshdMode == .system || holder == account else {
      return HostFinding(
        .serious, .sshdListener,
        "\(DisplayText.escaped(name(holder), limit: 40)) listens on port \(settings.listen.port)",
        consequence: "devices and operators come to a server that is not this account's, and refuse its key",
        mend: .rootShell("ss -ltnp 'sport = :\(settings.listen.port)'   # names the program; end it"))
    }
    return .fine(.sshdListener, "sshd listens on port \(settings.listen.port)")
  }

  /// - Parameter process: the `fleet-server run` that holds its lock; `nil` for none.
  static func run(_ process: RunProcess, mode: HostSettings.SSHDMode, start: HostFinding.Mend) -> HostFinding {
    switch process {
    case .unknown: .notKnown(.run, "/proc/locks cannot be read")
    case .running(let pid): .fine(.run, "'fleet-server run' is process \(pid)")
    case .none:
      HostFinding(
        .warning, .run, "'fleet-server run' is not running",
        consequence: mode == .private
          ? "nobody starts sshd again when it ends, and when devices were last seen is not recorded"
          : "when devices were last seen is not recorded, and silent connections are not ended",
        mend: start)
    }
  }
}

/// Whether `fleet-server run` is there, by the lock that it holds.
enum RunProcess: Hashable {
  case running(pid: Int32)
  case none
  case unknown

  /// From the text of /proc/locks, `nil` where it cannot be read. A lock is of a file, which its number tells.
  init(locks: String?, inode: UInt64?) {
    guard let locks else {
      self = .unknown
      return
    }
    for line in locks.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 6, words[1] == "FLOCK", let pid = Int32(words[4]),
        let number = words[5].split(separator: ":").last.flatMap({ UInt64($0) }), number == inode
      else { continue }
      self = .running(pid: pid)
      return
    }
    self = .none
  }
}
