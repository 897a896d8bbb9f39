import FleetProtocol
import Glibc

/// The files in `sessions/`.
enum SessionFile {
  private static func file(_ device: DeviceID, _ home: Home) -> BootFile {
    BootFile(home.session(of: device), home: home)
  }

  /// `nil` where there is none, and where it is not understood: whatever it was, no session can be proved by it.
  static func read(_ device: DeviceID, home: Home) -> SessionRecord? {
    guard let text = try? file(device, home).bytes(limit: SessionRecord.limit) else { return nil }
    return try? SessionRecord(parsing: text)
  }

  /// Where it is, on the disk or in memory; `nil` where there is none.
  static func place(_ device: DeviceID, home: Home) -> String? { file(device, home).place }

  /// The devices of which something stands there, those that were removed among them.
  static func devices(home: Home) -> Set<DeviceID> {
    let names = FolderListing.names(in: home.sessions) + MemoryFolder(home).names
    return Set(names.compactMap { name in name.lastIndex(of: ".").flatMap { DeviceID(name[..<$0]) } })
  }

  /// The sessions of all devices that ever claimed.
  static func all(home: Home) -> [SessionRecord] { devices(home: home).compactMap { read($0, home: home) } }

  /// The caller holds the session's lock. Throws `io-failed` where neither the disk nor the memory has room.
  static func write(_ record: SessionRecord, device: DeviceID, home: Home) throws(Refusal) {
    try file(device, home).write(record.text)
  }

  /// The caller holds the session's lock.
  static func remove(_ device: DeviceID, home: Home) { file(device, home).remove() }

  /// Forgets who claimed the device lately, and so ends a dispute between two boxes.
  static func forgetClaimants(_ device: DeviceID, home: Home) throws(Refusal) {
    try withLock(device, home: home) { () throws(Refusal) in
      guard var record = read(device, home: home), record.history != ClaimHistory() else { return }
      record.history = ClaimHistory()
      try write(record, device: device, home: home)
    }
  }

  /// Runs `body` while no other claim or report of this device does. Throws `claim-busy`.
  static func withLock<Value>(_ device: DeviceID, home: Home, _ body: () throws(Refusal) -> Value) throws(Refusal)
    -> Value
  {
    let lock = try lock(device, home: home)
    defer { lock.release() }
    return try body()
  }

  /// Throws `claim-busy`.
  static func lock(_ device: DeviceID, home: Home) throws(Refusal) -> FileLock {
    let lock = try FileLock(path: home.sessionLock(of: device), wait: .seconds(8), substitute: home.sessions)
    guard let lock else {
      throw Refusal(
        .claimBusy, "another claim of this device has been at work for 8 s",
        hint: "the agent tries again by itself; if it stays so, two boxes may hold one key")
    }
    return lock
  }
}
