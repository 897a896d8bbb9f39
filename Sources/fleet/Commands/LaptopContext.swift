import FleetProtocol

/// What nearly every command begins with: the files of this account and the HostA that is meant.
struct LaptopContext {
  let paths: FleetPaths
  let host: ConfiguredHost

  init() throws(Refusal) {
    paths = try LaptopEnvironment.paths()
    host = try LaptopEnvironment.configuration(paths).host()
  }

  var hostA: HostRequest { HostRequest(host: host, paths: paths) }

  func pins(of device: DeviceName) -> DevicePins { DevicePins(of: device, host: host, paths: paths) }
}
