import FleetProtocol
import Glibc

/// The session files as they were read last; a file is read again only when it was replaced.
struct SessionCache {
  /// What is another for each replacement: a claim renames a new file over the old one.
  private struct Stamp: Hashable {
    var device: UInt64
    var inode: UInt64
    var changed_s: Int
    var changed_ns: Int
  }

  private let home: Home
  private var memory: MemoryFolder
  private var entries: [DeviceID: (stamp: Stamp, record: SessionRecord?)] = [:]

  init(home: Home) {
    self.home = home
    memory = MemoryFolder(home)
  }

  /// Looks whether files stand in memory now; before a round of questions.
  mutating func refresh() { memory = MemoryFolder(home) }

  /// The device's session, `nil` where there is none.
  mutating func session(of device: DeviceID) -> SessionRecord? {
    var file = stat()
    guard let place = BootFile(home.session(of: device), memory: memory).place, stat(place, &file) == 0 else {
      entries[device] = nil
      return nil
    }
    let stamp = Stamp(
      device: UInt64(file.st_dev), inode: UInt64(file.st_ino), changed_s: file.st_ctim.tv_sec,
      changed_ns: file.st_ctim.tv_nsec)
    if let entry = entries[device], entry.stamp == stamp { return entry.record }
    let record = SessionFile.read(device, home: home)
    entries[device] = (stamp, record)
    return record
  }
}
