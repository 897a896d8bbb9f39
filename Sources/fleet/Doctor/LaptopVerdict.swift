import FleetProtocol

/// What is wrong with the laptop's own things, from what was read of them.
enum LaptopVerdict {
  /// The first part of what `ssh -V` says, such as `OpenSSH_9.2p1 Debian-2+deb12u10`.
  static func sshVersion(_ text: String) -> String {
    DisplayText.escaped(text.prefix { $0 != "," && !$0.isNewline }, limit: 80)
  }

  /// What `ssh -G` complains of. Throws `configuration-invalid`.
  static func checkSSHConfiguration(status: Int32, errorText: String) throws(Refusal) {
    guard status != 0 else { return }
    throw Refusal(
      .configurationInvalid, "ssh does not accept its configuration" + (LastLine.of(errorText).map { ": \($0)" } ?? ""),
      hint: "mend ~/.ssh/config")
  }

  /// Throws `configuration-invalid` for the first of these files and folders that other accounts may write.
  static func checkModes(_ modes: [(path: String, mode: UInt32)]) throws(Refusal) {
    guard let open = modes.first(where: { $0.mode & 0o022 != 0 }) else { return }
    let path = DisplayText.escaped(open.path)
    throw Refusal(
      .configurationInvalid, "other accounts of this laptop may write \(path), and so decide which HostA is trusted",
      hint: "chmod go-w \(ShellWord.quoted(path))")
  }

  /// `hosta.example, fleet@hosta.example:2222, the default of 2`.
  static func configuration(_ configuration: Configuration, _ host: ConfiguredHost) -> String {
    let isDefault = (try? configuration.host(named: nil)) == host
    let count = configuration.hosts.count
    return "HostA \(host.name) is \(host.place)"
      + (count > 1 ? isDefault ? ", the default of \(count)" : ", not the default" : "")
  }

  /// Throws `key-unusable`.
  static func keys(_ keys: LaptopKeys) throws(Refusal) -> String {
    if let unusable = keys.unusable { throw unusable }
    return keys.offered.joined(separator: ", ")
  }

  /// A laptop whose clock is off by more than this is told.
  private static let largestSkew_s: Int64 = 30

  static func clock(laptop: Timestamp, hostA: Timestamp) -> Finding {
    let ahead_s = laptop.seconds - hostA.seconds
    guard abs(ahead_s) > largestSkew_s else { return Finding(.clock, "as this laptop's") }
    let direction = ahead_s > 0 ? "ahead of" : "behind"
    let length = RelativeTime.length(abs(ahead_s))
    return Finding(
      .clock, "this laptop is \(length) \(direction) HostA; no login depends on it, but set it right", mark: .noted)
  }

  /// `12 devices: 9 online, 2 offline, 1 duplicate; 1 blocked`.
  static func fleet(_ devices: [DeviceStatus], waiting: Int64, took: Duration) -> Finding {
    func count(_ state: DeviceState) -> Int { devices.count { $0.state == state } }
    var states = DeviceState.allCases.map { (count($0), $0.rawValue) }
    states.append((devices.count { $0.state == .offline && $0.note?.contains("blocked") == true }, "blocked"))
    states.append((devices.count { $0.note?.contains("ssh down") == true }, "with its ssh down"))
    let parts = states.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let all = devices.count == 1 ? "1 device" : "\(devices.count) devices"
    let boxes = waiting > 0 ? "; waiting for approval: \(waiting)" : ""
    let isWell = !devices.contains { [.stale, .duplicate].contains($0.state) || $0.note != nil }
    return Finding(
      .fleet, all + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))") + boxes,
      mark: isWell ? .well : .noted, took: took)
  }
}
