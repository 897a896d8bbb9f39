import FleetProtocol
import Glibc

/// Ends a device's connection because somebody decided so, not because a new one came.
///
/// Whoever shuts a key out calls this after the key file was written, so that nothing comes back by the old one.
enum SessionEnd {
  /// Forgets the session and shuts out every connection that is open now, but for the one that `exempt` carries;
  /// whether the recorded one was up and was ended. A session that was claimed after `claimedUntil_s` stays.
  @discardableResult static func shutOut(
    _ device: DeviceID, home: Home, exempt: ProcessIdentity? = nil, claimedUntil_s: Int64 = .max
  ) throws(Refusal) -> Bool {
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      let record = SessionFile.read(device, home: home)
      if let record, record.claimed_s > claimedUntil_s { return false }
      let cutoff = KeyCutoff(bootID: ProcessTable.bootID(), ticks: ProcessTable.ticks(), exempt: exempt)
      try BootFile(home.keyCutoff(of: device), home: home).write(cutoff.text)
      guard let record, record.sshd != exempt else { return false }
      let ended = Takeover.end(record.sshd, ownAncestors: ProcessTable.ownAncestors().map(\.pid))
      SessionFile.remove(device, home: home)
      return ended
    }
  }

  /// Ends the recorded connection, so that the device makes another; whether there was one.
  static func disconnect(_ device: DeviceID, home: Home) throws(Refusal) -> Bool {
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      guard let record = SessionFile.read(device, home: home) else { return false }
      return Takeover.end(record.sshd, ownAncestors: ProcessTable.ownAncestors().map(\.pid))
    }
  }

  /// From when on the device's connections count, `nil` where all do.
  static func cutoff(of device: DeviceID, home: Home) throws(Refusal) -> KeyCutoff? {
    try BootFile(home.keyCutoff(of: device), home: home).bytes(limit: SessionRecord.limit)
      .flatMap { try? KeyCutoff(parsing: $0) }
  }

  /// Throws `claim-busy` for a connection that was shut out: a device that has another key comes back with that one.
  /// The caller holds the session's lock.
  static func requireNotShutOut(_ sshd: ProcessIdentity, _ device: DeviceID, home: Home) throws(Refusal) {
    guard let cutoff = try cutoff(of: device, home: home), cutoff.cuts(sshd) else { return }
    throw Refusal(
      .claimBusy, "this connection is older than the device's key",
      hint: "a new connection, with the device's present key, is let in")
  }
}
