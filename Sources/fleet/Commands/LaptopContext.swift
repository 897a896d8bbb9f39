import FleetProtocol

/// What nearly every command begins with: the files of this account and the HostA that is meant.
struct LaptopContext {
  let paths: FleetPaths
  let configuration: Configuration
  let host: ConfiguredHost

  init() throws(Refusal) {
    paths = try LaptopEnvironment.paths()
    configuration = try LaptopEnvironment.configuration(paths)
    host = try configuration.host()
  }

  /// Of the HostA that the name says. Throws `no-such-host`.
  init(of name: FleetHostName) throws(Refusal) {
    paths = try LaptopEnvironment.paths()
    configuration = try LaptopEnvironment.configuration(paths)
    if let wanted = name.host { host = try configuration.host(named: wanted) } else { host = try configuration.host() }
  }

  var hostA: HostRequest { HostRequest(host: host, paths: paths) }

  /// What the device is called where HostA has to be said, too.
  func name(of device: DeviceName) -> FleetHostName { FleetHostName(device, on: host, of: configuration) }

  func pins(of device: DeviceName) -> DevicePins { DevicePins(of: device, host: host, paths: paths) }
}
