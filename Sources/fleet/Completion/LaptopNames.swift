import FleetProtocol

/// The names that this laptop knows without asking anybody.
struct LaptopNames {
  var names: [DeviceName] = []
  /// Everything about them; takes longer, and is asked for only where tags are needed.
  var devices: () -> [DeviceStatus] = { [] }
  /// The HostAs that it is logged in to.
  var hosts: [String] = []

  /// Empty where nothing is known, or cannot be read: a completion has nobody to complain to.
  static func read(host: String?) -> LaptopNames {
    if let host { LaptopEnvironment.choose(host: host) }
    guard let paths = try? LaptopEnvironment.paths(),
      let configuration = try? LaptopEnvironment.configuration(paths)
    else { return LaptopNames() }
    guard let host = try? LaptopContext().host else { return LaptopNames(hosts: configuration.hosts.map(\.name)) }
    return LaptopNames(
      names: KnownDevices.names(host: host, paths: paths),
      devices: { KnownDevices.read(host: host, paths: paths)?.devices ?? [] },
      hosts: configuration.hosts.map(\.name))
  }
}
