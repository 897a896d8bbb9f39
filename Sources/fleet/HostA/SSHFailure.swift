import FleetProtocol

/// What it means that the ssh connection to HostA ended without an answer.
enum SSHFailure {
  /// `exitStatus` is ssh's own or the remote command's, `errorText` what came on its standard error.
  static func refusal(host: ConfiguredHost, exitStatus: Int32, errorText: String) -> Refusal {
    let place = "\(host.address) port \(host.port)"
    let reason = LastLine.of(errorText)
    let because = reason.map { ": \($0)" } ?? ""
    guard exitStatus == 255 else {
      return Refusal(
        .ioFailed, "HostA (\(place)) did not answer as fleet-server, status \(exitStatus)\(because)",
        hint: "on HostA, see whether fleet-server is still where 'fleet-server init' found it")
    }
    let text = errorText.lowercased()
    func says(_ phrases: String...) -> Bool { phrases.contains { text.contains($0) } }
    if says("host key verification failed", "remote host identification has changed", "host key is known for") {
      return Refusal(
        .hostKeyChanged, "HostA (\(place)) shows another host key than the one that was confirmed",
        hint: "if HostA was set up anew, run 'fleet login \(host.account)@\(host.address):\(host.port)' and compare "
          + "the fingerprint; otherwise somebody may stand in between")
    }
    if says("permission denied", "too many authentication failures", "no supported authentication methods") {
      return Refusal(
        .notAnOperator, "HostA (\(place)) does not accept this laptop's key for \(host.account)\(because)",
        hint: "on HostA, run 'fleet-server operator add NAME --key FILE' with its public key, or choose the key "
          + "with 'fleet login --identity FILE'; without a terminal, a key with a passphrase must be in ssh-agent")
    }
    if says("bad configuration option", "bad owner or permissions", "terminating,") {
      return Refusal(
        .configurationInvalid, "ssh does not accept its configuration\(because)",
        hint: "mend ~/.ssh/config; 'ssh -G \(host.address)' shows what is wrong")
    }
    return Refusal(
      .hostUnreachable, "HostA (\(place)) does not answer\(because)", hint: unreachableHint(text, host))
  }

  /// ssh could not make the socket through which a connection would be shared.
  static func meansNoSharing(_ errorText: String) -> Bool {
    ["multiplex", "ControlPath", "ControlSocket", "muxserver", "too long for Unix domain socket"].contains {
      errorText.contains($0)
    }
  }

  private static func unreachableHint(_ text: String, _ host: ConfiguredHost) -> String {
    if text.contains("could not resolve") { return "check the name and this laptop's network" }
    if text.contains("connection refused") {
      return "on HostA, see whether 'fleet-server run' is at work and listens on port \(host.port)"
    }
    if text.contains("timed out") || text.contains("no route") || text.contains("unreachable") {
      return "check this laptop's network, and whether a firewall lets port \(host.port) through"
    }
    return "try 'ssh -v -p \(host.port) \(host.account)@\(host.address) version'"
  }
}
