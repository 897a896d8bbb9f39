import FleetProtocol

/// The names that this laptop knows without asking anybody.
struct LaptopNames {
  /// The devices whose names begin with a word. A fleet may have ten thousand, and somebody waits.
  var names: (_ prefix: String) -> [DeviceName] = { _ in [] }
  /// The tags of each device.
  var tags: () -> [(name: String, tags: [String: String])] = { [] }
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
      names: { KnownDevices.names(host: host, paths: paths, prefix: $0) },
      tags: { KnownDevices.tags(host: host, paths: paths) },
      hosts: configuration.hosts.map(\.name))
  }
}
