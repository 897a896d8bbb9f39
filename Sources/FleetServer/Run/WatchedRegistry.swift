import FleetProtocol
import Glibc

/// The registry as the watch keeps it open, so that its devices are read again only after a change.
struct WatchedRegistry {
  private struct Opened {
    var registry: Registry
    /// Which file it is: a backup that was copied back is another one.
    var inode: ino_t
    /// The devices, and the registry's change counter when they were read.
    var read: (counter: Int64, devices: [WatchedDevice])?
  }

  private let home: Home
  private var opened: Opened?

  init(home: Home) { self.home = home }

  /// Throws what opening a registry throws.
  mutating func open() throws(Refusal) -> Registry {
    var file = stat()
    let inode = stat(home.registry, &file) == 0 ? file.st_ino : 0
    if let opened, opened.inode == inode { return opened.registry }
    let registry = try Registry.open(home)
    opened = Opened(registry: registry, inode: inode)
    return registry
  }

  mutating func close() { opened = nil }

  /// All devices as they are now.
  mutating func devices() throws(Refusal) -> [WatchedDevice] {
    let registry = try open()
    let counter = try registry.changeCounter()
    if let read = opened?.read, read.counter == counter { return read.devices }
    let devices = try registry.watchedDevices()
    opened?.read = (counter, devices)
    return devices
  }

  /// Changes the registry; the counter tells of changes by others only, so what was read is forgotten.
  mutating func change(_ body: (Registry) throws(Refusal) -> Void) throws(Refusal) {
    let registry = try open()
    opened?.read = nil
    try body(registry)
  }
}
