import FleetProtocol
import Glibc

/// Asks sshd itself what it would do with a connection of the account.
struct SSHDPolicyReading {
  let settings: HostSettings
  let home: Home

  /// What `sshd -V` tells; `nil` where it tells nothing.
  func version() -> OpenSSHVersion? {
    guard let result = try? Subprocess.run(settings.sshd, ["-V"]) else { return nil }
    return OpenSSHVersion(in: result.output + result.errors)
  }

  /// Throws `sshd-missing` or `sshd-failed` with sshd's own words.
  ///
  /// A device comes from anywhere, so the connection comes from an address that nobody has.
  func policy() throws(Refusal) -> SSHDPolicy {
    guard access(settings.sshd, X_OK) == 0 else {
      throw Refusal(.sshdMissing, "\(settings.sshd) is not installed", hint: "apt-get install openssh-server")
    }
    let connection = [
      "-C",
      "user=\(settings.account),host=unknown,addr=192.0.2.1,laddr=\(settings.listen.address),lport=\(settings.listen.port)",
    ]
    switch settings.sshdMode {
    case .private: return try run(["-T", "-f", home.sshdConfiguration] + connection)
    case .system: return try withThrowAwayKey { key throws(Refusal) in try run(["-T", "-h", key] + connection) }
    }
  }

  private func run(_ arguments: [String]) throws(Refusal) -> SSHDPolicy {
    let result = try Subprocess.run(settings.sshd, arguments)
    guard result.status == 0 else { throw Refusal(.sshdFailed, "sshd says: \(result.lastError(limit: 200))") }
    return SSHDPolicy(parsing: result.output)
  }

  /// sshd tells nothing without a host key, and the machine's are root's: a key of our own, gone afterwards.
  private func withThrowAwayKey<Value>(_ body: (String) throws(Refusal) -> Value) throws(Refusal) -> Value {
    var template = Array("/tmp/fleet-server-doctor-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw .systemCall("no folder can be made in /tmp") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let key = folder + "/key"
    defer {
      for path in [key, key + ".pub", key + ".new", key + ".new.pub"] { unlink(path) }
      rmdir(folder)
    }
    try SSHKeygen.makeHostKey(key)
    return try body(key)
  }
}
