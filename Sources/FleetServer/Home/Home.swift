import FleetProtocol
import Glibc

/// fleet-server's own folder, and where things stand in it.
struct Home: Hashable {
  /// An absolute path without a slash at its end.
  let path: String

  init(path: String) { self.path = path }

  var settings: String { path + "/fleet-server.json" }
  var sshdConfiguration: String { path + "/sshd_config" }
  var hostKey: String { path + "/ssh_host_ed25519_key" }
  var authorizedKeys: String { path + "/authorized_keys" }
  var registry: String { path + "/registry.db" }
  var registryLock: String { path + "/registry.lock" }
  var audit: String { path + "/audit" }
  var auditLock: String { path + "/audit.lock" }
  var keyFileLock: String { path + "/authorized_keys.lock" }
  var sessions: String { path + "/sessions" }
  var runLock: String { path + "/run.lock" }
  var runRecord: String { path + "/run.json" }

  func session(of device: DeviceID) -> String { "\(sessions)/\(device).json" }
  func sessionLock(of device: DeviceID) -> String { "\(sessions)/\(device).lock" }
  /// `caller` is a device's identity or an enroll key's.
  func gate(of caller: String) -> String { "\(sessions)/\(caller).gate" }
  func namedKeys(of device: DeviceID) -> String { "\(sessions)/\(device).named-keys" }
  func keyCutoff(of device: DeviceID) -> String { "\(sessions)/\(device).cutoff" }

  /// Where the folder is: `--home`, else $FLEET_SERVER_HOME, else the account's default.
  ///
  /// Throws `home-unusable` for a relative path.
  static func locate(
    option: String?, environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
  ) throws(Refusal) -> Home {
    let chosen = option ?? environment("FLEET_SERVER_HOME").flatMap { $0.isEmpty ? nil : $0 }
    if let chosen { return Home(path: try absolute(chosen)) }
    if let state = environment("XDG_STATE_HOME"), state.hasPrefix("/") { return Home(path: state + "/fleet-server") }
    guard let folder = environment("HOME"), folder.hasPrefix("/") else {
      throw Refusal(.homeUnusable, "there is no $HOME to keep fleet-server's folder in", hint: "give --home DIR")
    }
    return accountDefault(homeFolder: folder)
  }

  /// Where a forced command looks when sshd tells it nothing else.
  static func accountDefault(homeFolder: String) -> Home { Home(path: homeFolder + "/.local/state/fleet-server") }

  /// A path that people gave, from the working folder on. Throws `home-unusable`.
  static func absolute(_ path: String) throws(Refusal) -> String {
    var path = path
    if !path.hasPrefix("/") {
      guard let folder = getcwd(nil, 0) else {
        throw .systemCall("the working folder is not known", code: .homeUnusable)
      }
      defer { free(folder) }
      path = String(cString: folder) + "/" + path
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
