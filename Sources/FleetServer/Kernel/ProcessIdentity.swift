import FleetProtocol

/// What tells one process from every other that this machine has run and will run.
struct ProcessIdentity: Hashable {
  var pid: Int32
  /// Clock ticks since boot.
  var startTime: UInt64
  /// The machine's boot.
  var bootID: String

  init(pid: Int32, startTime: UInt64, bootID: String) {
    self.pid = pid
    self.startTime = startTime
    self.bootID = bootID
  }

  init(_ object: JSONObject) throws(JSONError) {
    pid = Int32(try object.integer("pid", in: 1...Int64(Int32.max)))
    startTime = UInt64(try object.integer("start_time", in: 0...Int64.max))
    bootID = try object.string("boot_id", limit: Limits.text)
  }

  var object: JSONObject {
    [
      "pid": .integer(Int64(pid)), "start_time": .integer(Int64(clamping: startTime)), "boot_id": .string(bootID),
    ]
  }

  /// Whether the process found under this pid is the recorded one, still alive, an sshd, and ours: only then may
  /// it be signalled. A pid alone can belong to anything by now.
  func isLivingSSHD(_ found: FoundProcess?, bootID: String, uid: UInt32) -> Bool {
    guard let found else { return false }
    return self.bootID == bootID && found.uid == uid && found.stat.pid == pid && found.stat.startTime == startTime
      && found.stat.isSSHD && found.stat.state != "Z"
  }

  /// Whether a claim may end this process: the recorded sshd, and not the one that the claim itself came through.
  func mayBeEvicted(_ found: FoundProcess?, bootID: String, uid: UInt32, ownAncestors: [Int32]) -> Bool {
    isLivingSSHD(found, bootID: bootID, uid: uid) && !ownAncestors.contains(pid)
  }
}

/// A process as /proc shows it now.
struct FoundProcess: Hashable {
  var stat: ProcessStat
  /// Who owns it.
  var uid: UInt32
}
