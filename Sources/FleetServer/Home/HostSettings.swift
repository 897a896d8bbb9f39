import FleetProtocol

/// `fleet-server.json`: what `init` decided for this HostA. It is written last, so that where it stands, all stands.
struct HostSettings: Hashable {
  /// Which sshd lets devices and operators in.
  enum SSHDMode: String, CaseIterable {
    /// One of our own, on a high port, run by `fleet-server run`.
    case `private`
    /// The machine's.
    case system
  }

  static let stockSSHD = "/usr/sbin/sshd"

  /// The name or address under which devices and laptops reach HostA.
  var address: String
  /// Where sshd listens; of the system's sshd only the port is used.
  var listen: ListenAddress
  /// The ports that are leased.
  var ports: PortRange
  var sshdMode: SSHDMode
  var account: LoginName
  /// The sshd program of the private mode.
  var sshd: String = stockSSHD

  /// The public half of the key that sshd shows.
  func hostPublicKeyFile(home: Home) -> String {
    sshdMode == .private ? home.hostKey + ".pub" : "/etc/ssh/ssh_host_ed25519_key.pub"
  }

  var object: JSONObject {
    [
      "v": .integer(1), "address": .string(address), "listen": .string(listen.description),
      "ports": .string(ports.description), "sshd_mode": .string(sshdMode.rawValue),
      "account": .string(account.rawValue), "sshd": .string(sshd),
    ]
  }

  init(
    address: String, listen: ListenAddress, ports: PortRange, sshdMode: SSHDMode, account: LoginName,
    sshd: String = stockSSHD
  ) {
    self.address = address
    self.listen = listen
    self.ports = ports
    self.sshdMode = sshdMode
    self.account = account
    self.sshd = sshd
  }

  init(parsing text: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: text)
    address = try object.string("address", limit: Limits.text)
    guard HostAddress.isAddress(address) else { throw JSONError("'address' is not a host name or an address") }
    guard let listen = ListenAddress(parsing: try object.string("listen")) else {
      throw JSONError("'listen' is not an address and a port")
    }
    self.listen = listen
    guard let ports = PortRange(parsing: try object.string("ports")) else {
      throw JSONError("'ports' is not a range of ports")
    }
    self.ports = ports
    guard let mode = SSHDMode(rawValue: try object.string("sshd_mode")) else {
      throw JSONError("'sshd_mode' must be 'private' or 'system'")
    }
    sshdMode = mode
    do { account = try LoginName(validating: try object.string("account")) } catch {
      throw JSONError("'account' is not a login name")
    }
    sshd = try object.optionalString("sshd", limit: 4096) ?? Self.stockSSHD
  }

  /// Throws `not-initialised` or `configuration-invalid`.
  static func read(_ home: Home) throws(Refusal) -> HostSettings {
    guard let text = try FileReading.bytes(of: home.settings, limit: 1 << 20) else { throw .notInitialised(home) }
    do { return try HostSettings(parsing: text) } catch {
      throw Refusal(
        .configurationInvalid, "\(home.settings) is not understood: \(error)",
        hint: "mend the file, or run 'fleet-server init' with another --home")
    }
  }

  func write(_ home: Home) throws(Refusal) {
    try FileReplacement.write((JSON.object(object).text + "\n").utf8, to: home.settings, durable: true)
  }

  /// What a device and a laptop need to find and to recognise this HostA. Throws `io-failed` or `key-invalid`.
  func hostAddress(home: Home) throws(Refusal) -> HostAddress {
    let file = hostPublicKeyFile(home: home)
    guard let line = FileReading.line(of: file) else {
      throw Refusal(.ioFailed, "HostA's public key \(file) cannot be read")
    }
    return HostAddress(
      account: account, endpoints: [.init(address: address, port: listen.port)],
      hostKeys: [try PublicKey(parsing: line)])
  }
}
