import FleetProtocol
import Glibc

/// The files in `sessions/`.
enum SessionFile {
  /// `nil` where there is none, and where it is not understood: whatever it was, no session can be proved by it.
  static func read(_ device: DeviceID, home: Home) -> SessionRecord? {
    guard let text = try? FileReading.bytes(of: home.session(of: device), limit: SessionRecord.limit) else {
      return nil
    }
    return try? SessionRecord(parsing: text)
  }

  /// The sessions of all devices that ever claimed.
  static func all(home: Home) -> [SessionRecord] {
    guard let folder = opendir(home.sessions) else { return [] }
    defer { closedir(folder) }
    var records: [SessionRecord] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasSuffix(".json"), let device = DeviceID(name.dropLast(5)) else { continue }
      if let record = read(device, home: home) { records.append(record) }
    }
    return records
  }

  /// The caller holds the session's lock. Not made durable: after a power cut no session is left.
  static func write(_ record: SessionRecord, device: DeviceID, home: Home) throws(Refusal) {
    try FileReplacement.write(record.text.utf8, to: home.session(of: device), durable: false)
  }

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
    guard let lock = try FileLock(path: home.sessionLock(of: device), wait: .seconds(8)) else {
      throw Refusal(
        .claimBusy, "another claim of this device has been at work for 8 s",
        hint: "the agent tries again by itself; if it stays so, two boxes may hold one key")
    }
    defer { lock.release() }
    return try body()
  }
}
