import FleetProtocol

/// What it means that the ssh connection to HostA ended without an answer.
enum SSHFailure {
  /// `exitStatus` is ssh's own or the remote command's, `errorText` what came on its standard error.
  static func refusal(host: ConfiguredHost, exitStatus: Int32, errorText: String) -> Refusal {
    let because = LastLine.of(errorText).map { ": \($0)" } ?? ""
    guard exitStatus == 255 else { return withoutServer(host, exitStatus, errorText) }
    let text = errorText.lowercased()
    func says(_ phrases: String...) -> Bool { phrases.contains { text.contains($0) } }
    if says("host key verification failed", "remote host identification has changed", "host key is known for") {
      return changedKey(of: host, shown: shownFingerprint(in: errorText))
    }
    if says("permission denied", "too many authentication failures", "no supported authentication methods") {
      return Refusal(
        .notAnOperator, "\(place(host)) does not accept this laptop's key for \(host.account)\(because)",
        hint: administratorHint)
    }
    if says("bad configuration option", "bad owner or permissions", "terminating,") {
      return Refusal(
        .configurationInvalid, "ssh does not accept its configuration\(because)",
        hint: "mend ~/.ssh/config; 'ssh -G \(host.address)' shows what is wrong")
    }
    return HostUnreachable.refusal(address: host.address, port: host.port, errorText: errorText)
  }

  /// ssh could not make the socket through which a connection would be shared.
  static func meansNoSharing(_ errorText: String) -> Bool {
    ["multiplex", "ControlPath", "ControlSocket", "muxserver", "too long for Unix domain socket"].contains {
      errorText.contains($0)
    }
  }

  /// HostA was shown what `keys` say, and accepted none of it.
  static func refusal(host: ConfiguredHost, refusing keys: LaptopKeys) -> Refusal {
    if let unusable = keys.unusable { return unusable }
    let offered = keys.offered
    let shown = offered.isEmpty ? "" : ": it was offered \(offered.joined(separator: ", "))"
    return Refusal(
      .notAnOperator,
      "\(place(host)) does not accept this laptop's key for \(host.account)\(shown)", hint: administratorHint)
  }

  /// `shown` is the fingerprint of the key that came in the pinned one's place, where ssh told it.
  static func changedKey(of host: ConfiguredHost, shown: String?) -> Refusal {
    let pinned = host.hostKeys.sorted(by: KeyFingerprint.isBefore).map(KeyFingerprint.of).joined(separator: " or ")
    let both = shown.map { ": \($0) in the place of \(pinned)" } ?? ", which is \(pinned)"
    return Refusal(
      .hostKeyChanged, "\(place(host)) shows another host key than the one that was confirmed\(both)",
      hint: "ask HostA's administrator whether it was set up anew and has this fingerprint: if so, run 'fleet login "
        + "\(host.place)' again; if not, somebody stands in between")
  }

  /// The pins are not what the configuration says, so that no key could have been right.
  static func lostPins(_ path: String) -> Refusal {
    Refusal(
      .configurationInvalid, "HostA's keys are not in \(DisplayText.escaped(path)) any more",
      hint: "run 'fleet login' again, which writes them")
  }

  /// `SHA256:...` in ssh's warning about a changed key.
  static func shownFingerprint(in errorText: String) -> String? {
    errorText.split { $0.isWhitespace }.first { $0.hasPrefix("SHA256:") }.map { String($0.prefix(50)) }
      .flatMap { HostKeyScan.isFingerprint($0) ? $0 : nil }
  }

  /// sshd let the key in, and what ran behind it was not fleet-server.
  private static func withoutServer(_ host: ConfiguredHost, _ status: Int32, _ errorText: String) -> Refusal {
    let because = LastLine.of(errorText).map { ": \($0)" } ?? ""
    guard status == 126 || status == 127 else {
      return Refusal(
        .ioFailed, "\(place(host)) did not answer as fleet-server, status \(status)\(because)",
        hint: "on HostA, see whether 'fleet-server run' still works, and what it says")
    }
    guard errorText.contains("fleet-server") else {
      return Refusal(
        .ioFailed, "\(place(host)) opens an ordinary shell to this laptop's key, no fleet-server\(because)",
        hint: "on HostA, run 'fleet-server operator add NAME --key FILE' with its public key, and take that out of "
          + "~/.ssh/authorized_keys")
    }
    return Refusal(
      .ioFailed, "\(place(host)) lets this laptop in, but fleet-server is not there any more\(because)",
      hint: "on HostA, put the program back where that says, or run 'fleet init' again from here")
  }

  private static func place(_ host: ConfiguredHost) -> String { "HostA (\(host.address) port \(host.port))" }

  private static let administratorHint =
    "HostA's administrator runs 'fleet-server operator add NAME --key FILE' with its public key; 'fleet login "
    + "--identity FILE' chooses another key. An account that is not there is refused in the same words"
}
