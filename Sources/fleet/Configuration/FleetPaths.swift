import FleetProtocol

/// Where `fleet` keeps its files, by the XDG base directory rules.
struct FleetPaths: Hashable {
  /// Holds `config.json`.
  let configurationFolder: String
  /// Holds the pins and keys whose bundle is not written yet.
  let stateFolder: String

  /// A relative path in an XDG variable counts as not set, as the specification demands.
  init(home: String, xdgConfigHome: String?, xdgStateHome: String?) {
    func base(_ value: String?, _ fallback: String) -> String {
      if let value, value.hasPrefix("/") { value } else { "\(home)/\(fallback)" }
    }
    configurationFolder = base(xdgConfigHome, ".config") + "/fleet"
    stateFolder = base(xdgStateHome, ".local/state") + "/fleet"
  }

  var configurationFile: String { "\(configurationFolder)/config.json" }

  /// The keys of every HostA, each under its own alias.
  var hostPins: String { "\(stateFolder)/known_hosts" }

  /// The keys of one device, as HostA sent them with the last connection.
  func devicePins(host: String, device: DeviceName) -> String { "\(stateFolder)/devices/\(host)/\(device)" }

  /// What `fleet config-ssh` has ssh include.
  var sshConfiguration: String { "\(stateFolder)/ssh_config" }

  /// Who logs in where, for ssh.
  var sshLogins: String { "\(stateFolder)/ssh_logins" }

  /// Which commands this laptop has queued.
  func queuedHere(host: String) -> String { "\(stateFolder)/queued/\(host)" }

  /// What the last `fleet exec` did.
  func lastExecution(host: String) -> String { "\(stateFolder)/exec/\(host)" }

  /// How far the log was verified.
  func verifiedLog(host: String) -> String { "\(stateFolder)/audit/\(host)" }

  /// Everything that is kept of one HostA beside the configuration, in the same order for every HostA; not all of it
  /// need be there.
  func kept(of host: String) -> [String] {
    ["devices", "pending", "known", "exec", "queued", "audit"].map { "\(stateFolder)/\($0)/\(host)" }
  }

  /// What HostA last told about all its devices.
  func knownDevices(host: String) -> String { "\(stateFolder)/known/\(host)" }

  /// The key of a bundle that is being made; it goes when the bundle is written.
  func pendingKeyFolder(host: String, device: DeviceName) -> String { "\(stateFolder)/pending/\(host)/\(device)" }
}
