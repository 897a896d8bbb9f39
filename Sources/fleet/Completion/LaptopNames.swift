import FleetProtocol

/// The names that this laptop knows without asking anybody.
struct LaptopNames: Hashable {
  var devices: [KnownDevice] = []
  /// The HostAs that it is logged in to.
  var hosts: [String] = []

  /// Empty where nothing is known, or cannot be read: a completion has nobody to complain to.
  static func read() -> LaptopNames {
    guard let paths = try? LaptopEnvironment.paths(),
      let configuration = try? LaptopEnvironment.configuration(paths), let host = try? configuration.host()
    else { return LaptopNames() }
    let connected = FileStore.names(in: paths.devicePinsFolder(host: host.name)).map { KnownDevice(name: $0) }
    return LaptopNames(devices: connected, hosts: configuration.hosts.map(\.name))
  }
}
