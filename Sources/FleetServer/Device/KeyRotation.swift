import FleetProtocol
import Glibc

/// The request `rotate-key`, the only one of a device's that opens the registry.
struct KeyRotation {
  let home: Home
  let device: DeviceID
  let standing: DeviceKeyStanding
  /// The sshd that carries the connection.
  let sshd: ProcessIdentity

  /// A device that names one key after the other would have each of them written to the disk and into the audit. The
  /// caller holds the session's lock. Throws `claim-busy`.
  private func requireSettled(_ key: PublicKey) throws(Refusal) {
    let file = home.namedKeys(of: device)
    let known = try FileReading.bytes(of: file, limit: Limits.line).flatMap { try? NamedKeys(parsing: $0) }
    var named = known ?? NamedKeys()
    guard named.name(key, now_s: Int64(time(nil))) else {
      throw Refusal(
        .claimBusy, "the device has named \(NamedKeys.limit) other keys within ten minutes",
        hint: "the agent tries again by itself")
    }
    if named != known { try FileReplacement.write(named.text.utf8, to: file, durable: false) }
  }

  /// Each step may be cut off anywhere and asked for again: the registry is changed first and the key file follows, and
  /// until the last step both keys open HostA.
  func run(_ key: PublicKey) throws(Refusal) -> RotateKeyReply {
    try SessionFile.withLock(device, home: home) { () throws(Refusal) in
      try SessionEnd.requireNotShutOut(sshd, device, home: home)
      try requireSettled(key)
    }
    let settings = try HostSettings.read(home)
    let keyFile = try KeyFile(home: home, settings: settings, account: try Account.current())
    try keyFile.refuseForeign(key)
    let registry = try Registry.open(home)
    let address = getenv("SSH_CONNECTION").flatMap { SSHConnection(parsing: String(cString: $0)) }?.remote
    let step = try keyFile.change(registry) { (registry) throws(Refusal) in
      try registry.rotateKey(
        of: device, to: key, standing: standing, from: address.map { "\($0)" }, now_s: Int64(time(nil)))
    }
    switch step {
    case .admit, .stay: return RotateKeyReply(state: .pending)
    case .promote, .done, .refuse:
      // Also when it was done before: that request may have been cut off here.
      if standing == .next { try SessionEnd.shutOut(device, home: home, exempt: sshd) }
      return RotateKeyReply(state: .current)
    }
  }
}
