import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// This laptop's known_hosts file of one device.
struct DevicePins {
  let device: DeviceName
  let path: String

  init(of device: DeviceName, host: ConfiguredHost, paths: FleetPaths) {
    self.device = device
    path = paths.devicePins(host: host.name, device: device)
  }

  /// Empty before the first connection, and for a file that is not understood.
  var content: PinnedKeys {
    PinnedKeys(parsing: String(decoding: (try? FileStore.content(of: path)) ?? [], as: UTF8.self))
  }

  /// Throws `io-failed`.
  func write(_ content: PinnedKeys) throws(Refusal) {
    try FileStore.replaceIfDifferent(path, with: Array(content.text(of: device).utf8))
  }

  /// This laptop itself has given the device to new hardware, whose keys it could not see.
  func letGo() throws(Refusal) {
    let content = content
    if content != PinnedKeys() { try write(content.letGo) }
  }

  /// The device has another name: its keys stand under that one, and what stood there of another device is gone.
  func move(to new: DevicePins) throws(Refusal) {
    let content = content
    if content == PinnedKeys() { new.forget() } else { try new.write(content) }
    forget()
  }

  func forget() { unlink(path) }
}
