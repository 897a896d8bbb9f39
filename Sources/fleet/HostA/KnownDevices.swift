import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What HostA last told about all its devices, kept on the laptop: for completion, and for when HostA does not answer.
struct KnownDevices {
  /// How each device was then.
  let devices: [DeviceStatus]
  /// When that was, by HostA's clock.
  let asOf: Timestamp
  /// What HostA's clock shows now, if it goes as the laptop's does.
  let now: Timestamp

  /// More than this is no list of ours.
  private static let largestFile = 1 << 28

  /// Keeps a whole answer to `list`. A list that says nothing new is only made young again; one that cannot be written
  /// is not worth a word.
  static func keep(
    _ devices: [DeviceStatus], lines: [ArraySlice<UInt8>], now: Timestamp, host: ConfiguredHost, paths: FleetPaths
  ) {
    let path = paths.knownDevices(host: host.name)
    let header = KnownDevicesFile.Header(devices, hostAhead_s: now.seconds - LaptopEnvironment.now.seconds)
    let head = try? FileStore.head(of: path, count: KnownDevicesFile.longestHeader)
    if let present = head.flatMap({ KnownDevicesFile.Header(parsing: $0) }), present.says(header) {
      return FileStore.touch(path)
    }
    let content = KnownDevicesFile.content(header, devices: devices, lines: lines)
    try? FileStore.replace(path, with: content, durable: false)
  }

  /// `nil` where nothing was kept, or what was kept is not whole.
  static func read(host: ConfiguredHost, paths: FleetPaths) -> KnownDevices? {
    guard let (content, asOf) = content(host: host, paths: paths),
      let header = KnownDevicesFile.Header(parsing: content),
      let devices = KnownDevicesFile.devices(in: content, header: header, asOf: header.hostTime(of: asOf))
    else { return nil }
    return KnownDevices(
      devices: devices, asOf: header.hostTime(of: asOf), now: header.hostTime(of: LaptopEnvironment.now))
  }

  /// The names that begin with a word, which is quick however many there are; empty where nothing was kept.
  static func names(host: ConfiguredHost, paths: FleetPaths, prefix: String = "") -> [DeviceName] {
    content(host: host, paths: paths).map { KnownDevicesFile.names(in: $0.content, prefix: prefix) } ?? []
  }

  /// The tags of each device, for completion; empty where nothing was kept.
  static func tags(host: ConfiguredHost, paths: FleetPaths) -> [(name: String, tags: [String: String])] {
    content(host: host, paths: paths).map { KnownDevicesFile.tags(in: $0.content) } ?? []
  }

  private static func content(host: ConfiguredHost, paths: FleetPaths) -> (content: [UInt8], asOf: Timestamp)? {
    let path = paths.knownDevices(host: host.name)
    guard let content = try? FileStore.content(of: path, limit: largestFile), let asOf = FileStore.changeTime(of: path)
    else { return nil }
    return (content, asOf)
  }
}
