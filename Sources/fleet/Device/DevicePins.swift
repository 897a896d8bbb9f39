import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// This laptop's known_hosts file of one device: the keys for which HostA vouched at the last connection.
struct DevicePins {
  let device: DeviceName
  let path: String

  init(of device: DeviceName, host: ConfiguredHost, paths: FleetPaths) {
    self.device = device
    path = paths.devicePins(host: host.name, device: device)
  }

  /// Empty before the first connection, and for a file that is not understood.
  var keys: [PublicKey] {
    HostKeyScan.keys(in: String(decoding: (try? FileStore.content(of: path)) ?? [], as: UTF8.self))
  }

  /// Throws `io-failed`.
  func write(_ keys: [PublicKey]) throws(Refusal) {
    // The alias is the name that the person typed, so the pins stand under it too.
    try FileStore.replaceIfDifferent(path, with: Array(KnownHosts.text(name: device.rawValue, keys: keys).utf8))
  }

  /// The device has another name: its keys stand under that one, and what stood there of another device is gone.
  func move(to new: DevicePins) throws(Refusal) {
    let keys = keys
    if keys.isEmpty { new.forget() } else { try new.write(keys) }
    forget()
  }

  func forget() { unlink(path) }
}
