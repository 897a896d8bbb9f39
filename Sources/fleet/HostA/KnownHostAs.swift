import FleetProtocol

/// The HostAs of this laptop: their configuration, and the files that are kept of each.
enum KnownHostAs {
  /// Changes the configuration by `body` and returns it as it is now; what was kept of a HostA moves to its new name, or
  /// goes with it.
  ///
  /// Throws what `body` throws, or `io-failed`.
  @discardableResult
  static func change(_ body: (inout Configuration) throws(Refusal) -> Void) throws(Refusal) -> Configuration {
    let paths = try LaptopEnvironment.paths()
    let before = try LaptopEnvironment.configuration(paths)
    var after = before
    try body(&after)
    let gone = before.hosts.filter { host in !after.hosts.contains { $0.name == host.name } }
    let unnamed = try? before.host(named: nil)
    let logins = LoginBookFile(path: paths.sshLogins)
    for host in gone {
      let isRenamed = { (new: ConfiguredHost) in
        new.hasSameIdentity(as: host) && !before.hosts.contains { $0.name == new.name }
      }
      guard let renamed = after.hosts.first(where: isRenamed) else {
        paths.kept(of: host.name).forEach(FileStore.removeAll)
        try logins.forget(host: host.name, unnamed: host == unnamed)
        continue
      }
      try logins.forget(host: host.name, unnamed: false)
      for (old, new) in zip(paths.kept(of: host.name), paths.kept(of: renamed.name)) {
        try FileStore.move(old, to: new)
      }
    }
    try write(after, paths)
    return after
  }

  /// The pins first: a HostA stands in the configuration only when its keys are there. Throws `io-failed`.
  static func write(_ configuration: Configuration, _ paths: FleetPaths) throws(Refusal) {
    try FileStore.replace(paths.hostPins, with: configuration.pins.utf8)
    try FileStore.replace(paths.configurationFile, with: configuration.text.utf8)
  }
}
