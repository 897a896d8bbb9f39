import FleetProtocol
import Glibc

/// What makes a box a device that joins by itself, as it lies on this machine: `enroll.json` and the enroll key at first,
/// `agent.json` and the box's own key at the end.
struct EnrollmentFiles {
  /// Where `agent.json` will be.
  let agentPath: String
  let enrollmentPath: String
  let configuration: EnrollmentConfiguration
  /// Who owns `enroll.json`, and so may ask the agent for its status.
  let owner: uid_t
  /// The name of the status socket while there is no device: the file's own number on this machine.
  let statusName: String

  static let keyFile = "id_ed25519"
  static let machineFile = "machine"

  static func enrollmentPath(beside agentPath: String) -> String {
    ConfigurationFile.keyPath("enroll.json", beside: agentPath)
  }

  /// `nil` where the box is a device already, or nothing is there by which it could become one. Throws
  /// `configuration-invalid`.
  init?(beside configuration: String?) throws(Refusal) {
    let path = configuration ?? ConfigurationFile.usualPath
    let enrollmentPath = Self.enrollmentPath(beside: path)
    var information = stat()
    guard !File.exists(path), stat(enrollmentPath, &information) == 0 else { return nil }
    agentPath = path
    self.enrollmentPath = enrollmentPath
    owner = information.st_uid
    statusName = "enroll-\(information.st_dev)-\(information.st_ino)"
    do {
      self.configuration = try EnrollmentConfiguration(parsing: try File.read(enrollmentPath, limit: Limits.line))
    } catch {
      throw Refusal(.configurationInvalid, error.message, hint: error.hint)
    }
  }

  private func path(_ file: String) -> String { ConfigurationFile.keyPath(file, beside: agentPath) }

  /// Whose the enroll key is: the account that the agent runs as.
  var keyOwner: uid_t { ConfigurationFile.owner(of: path(configuration.keyFile)) ?? owner }

  /// The text of the enroll key. Throws `configuration-invalid`.
  func enrollKey() throws(Refusal) -> [UInt8] {
    try ConfigurationFile.privateKey(
      at: path(configuration.keyFile), named: "enroll key", in: enrollmentPath)
  }

  /// The public key of the box's own key, which is made where there is none that was made on this very machine: no two
  /// clones of an image share one. Throws `io-failed` or `key-invalid`.
  func boxKey(on machine: MachineIdentity?) throws(Refusal) -> PublicKey {
    let keyPath = path(Self.keyFile)
    let machinePath = path(Self.machineFile)
    let wanted = Array((machine?.text ?? "unknown\n").utf8)
    if (try? File.read(machinePath, limit: 4096)) != wanted {
      // In this order: at no moment does another machine's key stand beside this machine's name.
      try File.remove(keyPath)
      try File.replace(machinePath, wanted)
    }
    return try PublicKey(parsing: try KeyFile.publicLine(makingAt: keyPath))
  }

  /// The box is a device from here on. Throws `io-failed`.
  func become(_ device: EnrollmentMachine.Device, reportHostKeys: Bool) throws(Refusal) {
    let agent = AgentConfiguration(
      device: device.id, name: device.name, port: device.port, host: device.host, keyFile: Self.keyFile,
      sshdPort: configuration.sshdPort, profile: configuration.profile, reportHostKeys: reportHostKeys)
    try File.replace(agentPath, Array(agent.text.utf8))
  }

  /// Deletes `enroll.json` and the enroll key beside an `agent.json`: also those that a power cut left there. Throws
  /// `io-failed`.
  static func removeLeftovers(beside configuration: String?) throws(Refusal) {
    let agentPath = configuration ?? ConfigurationFile.usualPath
    let enrollmentPath = enrollmentPath(beside: agentPath)
    guard File.exists(agentPath), let text = try? File.read(enrollmentPath, limit: Limits.line) else { return }
    // The key first: the other file says where it is.
    if let leftover = try? EnrollmentConfiguration(parsing: text), leftover.keyFile != keyFile {
      try File.remove(ConfigurationFile.keyPath(leftover.keyFile, beside: agentPath))
    }
    try File.remove(enrollmentPath)
  }
}
