import FleetProtocol

/// Looks at the laptop's own files and programs.
struct LaptopInspection {
  let paths: FleetPaths
  private let configuration: Result<Configuration, Refusal>

  /// Throws `io-failed` when the account has no home folder.
  init() throws(Refusal) {
    let paths = try LaptopEnvironment.paths()
    self.paths = paths
    configuration = Result { () throws(Refusal) in try LaptopEnvironment.configuration(paths) }
  }

  /// The HostA that is meant, or why there is none.
  var host: Result<ConfiguredHost, Refusal> {
    Result { () throws(Refusal) in try configuration.get().host(named: LaptopEnvironment.chosenHost) }
  }

  /// Throws `tool-missing`.
  static func sshVersion() throws(Refusal) -> String {
    LaptopVerdict.sshVersion(try Subprocess.run(["ssh", "-V"]).errorText)
  }

  /// Whether ssh's own configuration can be read. Throws `configuration-invalid`.
  static func checkWay(to host: ConfiguredHost) throws(Refusal) {
    let outcome = try Subprocess.run(["ssh", "-G", "-p", host.port.description, "--", host.address])
    try LaptopVerdict.checkSSHConfiguration(status: outcome.status, errorText: outcome.errorText)
  }

  /// Throws `configuration-invalid` for files that others may write, and for pins that are not the configuration's.
  func configurationSummary() throws(Refusal) -> String {
    let files = [paths.configurationFolder, paths.configurationFile, paths.stateFolder, paths.hostPins]
    try LaptopVerdict.checkModes(
      files.compactMap { path in FileStore.mode(of: path).map { (path: path, mode: UInt32($0)) } })
    let host = try host.get()
    let pins = ConnectionFailure.pins(of: host, paths)
    guard Set(pins) == Set(host.hostKeys) else { throw SSHFailure.lostPins(paths.hostPins) }
    return LaptopVerdict.configuration(try configuration.get(), host)
  }

  /// Throws `io-failed` where nothing can be written.
  func folderSummary() throws(Refusal) -> String {
    let trial = "\(paths.stateFolder)/doctor"
    try FileStore.replace(trial, with: "can this be written?\n".utf8)
    FileStore.removeAll(trial)
    let shared = ControlFolder(paths) == nil ? "; there is no folder for connections that are used again" : ""
    return "\(DisplayText.escaped(paths.stateFolder)) can be written\(shared)"
  }
}
