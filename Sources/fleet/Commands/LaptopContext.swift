import FleetProtocol

/// What nearly every command begins with: the files of this account and the HostA that is meant.
struct LaptopContext {
  let paths: FleetPaths
  let host: ConfiguredHost
  /// What stands behind `fleet` on a command line that is kept or handed to another program, so that it leads to this
  /// HostA: nothing for the default.
  let hostArguments: [String]

  /// Takes the HostA that `--host` or FLEET_HOST names, or the default. Throws `not-logged-in` or `no-such-host`.
  init() throws(Refusal) {
    paths = try LaptopEnvironment.paths()
    let configuration = try LaptopEnvironment.configuration(paths)
    host = try configuration.host(named: LaptopEnvironment.chosenHost)
    hostArguments = try host == configuration.host(named: nil) ? [] : ["--host", host.name]
  }

  /// Of the HostA that the name says, if it says one. Throws `not-logged-in` or `no-such-host`.
  init(of name: FleetHostName) throws(Refusal) {
    if let host = name.host { LaptopEnvironment.choose(host: host) }
    try self.init()
  }

  var hostA: HostRequest { HostRequest(host: host, paths: paths) }

  func pins(of device: DeviceName) -> DevicePins { DevicePins(of: device, host: host, paths: paths) }
}
