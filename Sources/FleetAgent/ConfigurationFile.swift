import FleetProtocol
import Glibc

/// `agent.json` where it lies on this machine.
struct ConfigurationFile {
  let path: String
  let configuration: AgentConfiguration
  /// Who owns the file, and so may ask the agent for its status.
  let owner: uid_t

  static let systemPath = "/etc/fleet-agent/agent.json"

  /// The path to use when none is given: the system's when it is there, else the user's.
  static func defaultPath(environment: (String) -> String?, exists: (String) -> Bool) -> String {
    if exists(systemPath) { return systemPath }
    if let folder = environment("XDG_CONFIG_HOME"), folder.hasPrefix("/") { return folder + "/fleet-agent/agent.json" }
    return (environment("HOME") ?? "") + "/.config/fleet-agent/agent.json"
  }

  /// The path to use on this machine when none is given.
  static var usualPath: String {
    defaultPath(environment: { getenv($0).map { String(cString: $0) } }) { path in
      File.exists(path) || File.exists(EnrollmentFiles.enrollmentPath(beside: path))
    }
  }

  /// Reads the file. Throws `configuration-invalid`.
  init(path: String?) throws(Refusal) {
    let path = path ?? Self.usualPath
    self.path = path
    let text: [UInt8]
    do { text = try File.read(path, limit: Limits.line) } catch {
      throw Refusal(
        .configurationInvalid, error.message, hint: "name the file with --config, or provision this device first")
    }
    configuration = try AgentConfiguration(parsing: text)
    owner = Self.owner(of: path) ?? getuid()
  }

  /// The private key's file: relative to the configuration's folder unless absolute.
  var keyPath: String { Self.keyPath(configuration.keyFile, beside: path) }

  /// Whose the private key is: the account that the agent runs as, also where the configuration is root's.
  var keyOwner: uid_t { Self.owner(of: keyPath) ?? owner }

  static func owner(of path: String) -> uid_t? {
    var information = stat()
    return stat(path, &information) == 0 ? information.st_uid : nil
  }

  static func keyPath(_ keyFile: String, beside configuration: String) -> String {
    guard !keyFile.hasPrefix("/"), let slash = configuration.lastIndex(of: "/") else { return keyFile }
    return configuration[...slash] + keyFile
  }

  /// The private key's text. Throws `configuration-invalid` when it is missing, no key, or readable by others.
  func privateKey() throws(Refusal) -> [UInt8] { try Self.privateKey(at: keyPath, named: "device's key", in: path) }

  /// A private key's text; `configuration` is the file that says where it is.
  static func privateKey(at path: String, named name: String, in configuration: String) throws(Refusal) -> [UInt8] {
    var information = stat()
    let shown = DisplayText.escaped(path)
    guard stat(path, &information) == 0 else {
      throw Refusal(
        .configurationInvalid, "the \(name) '\(shown)' cannot be read: \(String(cString: strerror(errno)))",
        hint: "key_file in \(DisplayText.escaped(configuration)) says where it is; "
          + "provision the device again if it is lost")
    }
    guard information.st_mode & 0o077 == 0 else {
      throw Refusal(
        .configurationInvalid, "the \(name) '\(shown)' can be read by other users",
        hint: "run: chmod 600 '\(shown)'")
    }
    do { return try File.read(path, limit: Limits.line) } catch {
      throw Refusal(.configurationInvalid, "the \(name) cannot be read: \(error.message)")
    }
  }
}
