import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The connections to a device that sessions share: each is an ssh in the background, which a session has left there.
///
/// Beside each socket lies a note: who is logged in, and, by the file's time, when HostA vouched for the device. A
/// connection is used again for a minute from then on, so HostA is asked at least once a minute.
struct DeviceMaster {
  /// How long a session may take until its connection can be used.
  private static let connecting_s: Int64 = 30
  private static let noteSuffix = ".note"

  private let folder: ControlFolder
  private let deviceStem: String

  /// `nil` where nothing may be used again.
  init?(_ device: DeviceName, host: ConfiguredHost, paths: FleetPaths, reuse: ConnectionReuse) {
    guard reuse == .wanted, let folder = ControlFolder(paths) else { return nil }
    self.folder = folder
    deviceStem = ControlSocketName.device(
      device, host: host, paths: paths, localAddress: LocalAddress.towards(host.address),
      agent: LaptopEnvironment.variable("SSH_AUTH_SOCK"))
  }

  /// A connection to this account that may be used now. `nil` for `user` is the device's usual account.
  func find(user: String?) -> (socket: String, user: String)? {
    for socket in folder.liveSockets(ControlSocketName.account(user, of: deviceStem)) where Self.isYoung(socket) {
      if let note = try? FileStore.content(of: socket + Self.noteSuffix, limit: 1024) {
        return (socket, String(decoding: note, as: UTF8.self))
      }
    }
    return nil
  }

  private static func isYoung(_ socket: String) -> Bool {
    noteAge_s(socket).map((0..<ConnectionReuse.persistence_s).contains) ?? false
  }

  /// The socket that the ssh may make which this process becomes; `nil` while another one is about to make one.
  func claim(user: String?, loggedInAs login: String) -> String? {
    sweep()
    let stem = ControlSocketName.account(user, of: deviceStem)
    let others = notes(stem).filter { (0..<Self.connecting_s).contains(Self.noteAge_s($0) ?? -1) }
    guard !others.contains(where: { !FileStore.exists($0) && Self.isMakerAlive($0) }) else { return nil }
    let socket = folder.newSocket(stem)
    guard (try? FileStore.replace(socket + Self.noteSuffix, with: login.utf8)) != nil else { return nil }
    return socket
  }

  /// Ends the connections to the device, whoever is logged in: it is another one from now on, or none.
  func end() {
    for socket in folder.liveSockets(deviceStem) {
      _ = try? Subprocess.run(["ssh", "-o", "ControlPath=\(SSHOptionValue.path(socket))", "-O", "exit", "--", "device"])
      unlink(socket)
    }
    sweep()
  }

  /// Removes what is left of connections that are over.
  private func sweep() {
    for socket in notes("d") where !FileStore.exists(socket) {
      let age_s = Self.noteAge_s(socket) ?? .max
      if !Self.isMakerAlive(socket) || !(0..<Self.connecting_s).contains(age_s) { unlink(socket + Self.noteSuffix) }
    }
  }

  /// The sockets, there or not, beside which a note lies.
  private func notes(_ prefix: String) -> [String] {
    FileStore.names(in: folder.path).filter { $0.hasPrefix(prefix) && $0.hasSuffix(Self.noteSuffix) }
      .map { "\(folder.path)/\($0.dropLast(Self.noteSuffix.count))" }
  }

  private static func noteAge_s(_ socket: String) -> Int64? {
    FileStore.changeTime(of: socket + noteSuffix).map { LaptopEnvironment.now.seconds - $0.seconds }
  }

  /// The name of a socket ends in the id of the process that makes it.
  private static func isMakerAlive(_ socket: String) -> Bool {
    guard let dot = socket.lastIndex(of: "."), let process = pid_t(socket[socket.index(after: dot)...]) else {
      return false
    }
    return kill(process, 0) == 0
  }
}
