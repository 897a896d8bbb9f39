import FleetProtocol

/// The account, its folder, its disk, its clock and its registry.
enum StateVerdict {
  static func loginShell(_ account: Account, canRun: Bool) -> HostFinding {
    if let objection = account.shellObjection {
      return HostFinding(
        .serious, .loginShell, objection.message,
        consequence: "sshd starts every claim and every request through it, and all of them fail",
        mend: .rootShell("usermod -s /bin/sh \(account.name)"))
    }
    guard canRun else {
      return HostFinding(
        .serious, .loginShell, "\(DisplayText.escaped(account.shell, limit: 100)) cannot be run",
        consequence: "sshd lets nobody in whose login shell is not there",
        mend: .rootShell("usermod -s /bin/sh \(account.name)"))
    }
    return .fine(.loginShell, account.shell.isEmpty ? "/bin/sh" : DisplayText.escaped(account.shell, limit: 100))
  }

  /// - Parameter program_s: when this program's file was written.
  /// - Parameter newest_s: the latest moment of which the registry tells.
  static func clock(now_s: Int64, program_s: Int64?, newest_s: Int64?) -> HostFinding {
    let now = Timestamp(seconds: now_s)
    let mend = HostFinding.Mend.rootShell("timedatectl set-ntp true")
    if let program_s, now_s < program_s - 86_400 {
      return HostFinding(
        .serious, .clock, "\(now), before this program was installed (\(Timestamp(seconds: program_s)))",
        consequence: "what expires does not, and sshd judges the times in key lines wrongly", mend: mend)
    }
    if let program_s, now_s > program_s + 20 * 365 * 86_400 {
      return HostFinding(
        .serious, .clock, "\(now), twenty years after this program was installed (\(Timestamp(seconds: program_s)))",
        consequence: "what is recorded now is dated wrongly, and sshd refuses devices that were to come by some day",
        mend: mend)
    }
    if let newest_s, newest_s > now_s + 300 {
      return HostFinding(
        .warning, .clock, "\(now), but the registry tells of \(Timestamp(seconds: newest_s))",
        consequence: "the clock was wrong then or is wrong now, so that 'last seen' and the log mislead", mend: mend)
    }
    return .fine(.clock, "\(now)")
  }

  /// What is free on the disk of fleet-server's folder; `inodes` is `nil` where files are not counted.
  static func disk(free_MiB: Int, inodes: Int?, path: String) -> HostFinding {
    let shown = "\(free_MiB) MiB free" + (inodes.map { ", \($0) files more" } ?? "")
    let isScarce = free_MiB < 256 || inodes.map { $0 < 1000 } ?? false
    guard isScarce else { return .fine(.disk, shown) }
    let isOver = free_MiB < 16 || inodes.map { $0 < 50 } ?? false
    return HostFinding(
      isOver ? .serious : .warning, .disk, shown,
      consequence: isOver
        ? "changes are refused from now on; devices that are enrolled go on"
        : "when it is full, changes are refused; devices that are enrolled go on",
      mend: .shell("df -h \(path)   # make room there"))
  }

  /// - Parameter open: files of ours that other accounts might use, by path.
  static func permissions(objection: Refusal?, open: [OpenFile], home: String) -> HostFinding {
    if let objection {
      return HostFinding(
        .serious, .permissions, objection.message,
        consequence: "another account could put its own keys in the place of ours, so every command refuses to work",
        mend: objection.hint.map { $0.hasPrefix("chmod ") ? .shell($0) : .byHand($0) })
    }
    guard let worst = open.first(where: { $0.isFatal }) ?? open.first else {
      return .fine(.permissions, "\(home) is this account's alone")
    }
    return HostFinding(
      worst.isFatal ? .serious : .warning, .permissions,
      "\(DisplayText.escaped(worst.path, limit: 200)) is open to others",
      consequence: worst.consequence, mend: .shell(worst.mend))
  }

  /// - Parameter complaints: what SQLite finds wrong in the file.
  static func registry(_ complaints: [String], devices: Int) -> HostFinding {
    guard let first = complaints.first else {
      return .fine(.registry, "whole, \(devices) device\(devices == 1 ? "" : "s")")
    }
    return HostFinding(
      .serious, .registry, "damaged: \(DisplayText.escaped(first, limit: 120))",
      consequence: "tunnels go on, but changes may be refused or lost", mend: .shell("fleet-server restore FILE"))
  }

  /// When it cannot be opened or read.
  static func registry(_ refusal: Refusal, file: String) -> HostFinding {
    switch refusal.code {
    case .registryDamaged: registry([refusal.message], devices: 0)
    case .registryBusy:
      HostFinding(
        .warning, .registry, refusal.message, consequence: "nothing can be changed until it is free; tunnels go on",
        mend: .shell("fuser -v \(file)"))
    default:
      HostFinding(
        .serious, .registry, refusal.message, consequence: "nothing can be listed or changed; tunnels go on",
        mend: refusal.hint.map { .byHand($0) })
    }
  }
}

/// A file or a folder that other accounts may read or change.
struct OpenFile: Hashable {
  var path: String
  /// sshd refuses to work with it.
  var isFatal: Bool
  var consequence: String
  var mend: String

  /// A file of fleet-server's folder. Nobody else comes into the folder, but sshd looks at its key's own permissions.
  init?(ownFile path: String, mode: UInt32, isHostKey: Bool) {
    guard mode & 0o077 != 0 else { return nil }
    self.path = path
    isFatal = isHostKey
    consequence =
      isHostKey
      ? "sshd refuses a host key that others may read, and does not start" : "a copy of the folder is open, too"
    mend = "chmod go= \(path)"
  }

  /// What sshd's StrictModes looks at on the way to the account's own key file.
  init?(strict path: String, mode: UInt32) {
    guard mode & 0o022 != 0 else { return nil }
    self.path = path
    isFatal = true
    consequence = "sshd passes over a key file that others could change, so no device and no operator can log in"
    mend = "chmod go-w \(path)"
  }
}
