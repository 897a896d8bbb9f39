import FleetProtocol

/// Connections that stand already and wait for the ssh that scp, sftp or rsync will start: which is this program again.
///
/// The tools hand on nothing but their environment, so this is the text of a variable.
struct HandedConnections: Hashable {
  /// One connection, which can be taken once.
  struct Waiting: Hashable {
    let device: DeviceName
    /// The account that the device's operators log in to unless they name another.
    let user: LoginName
    /// Whether it outlives the process that opened it, its terminal and Ctrl-C there.
    let isDetached: Bool
    /// Where it waits.
    let socket: String
  }

  /// Where the variable is set, `fleet` was started in ssh's place, with ssh's arguments.
  static let variable = "FLEET_CONNECTIONS"

  var waiting: [Waiting] = []

  init(_ waiting: [Waiting] = []) { self.waiting = waiting }

  /// What is not understood is left out: that connection is then made anew.
  init(parsing text: String) {
    // By bytes: to Swift a line's end behind a carriage return, and a blank with an accent on it, are other Characters.
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let words = line.split(separator: UInt8(ascii: " "), maxSplits: 3).map { String(decoding: $0, as: UTF8.self) }
      guard words.count == 4, let device = try? DeviceName(validating: words[0]),
        let user = try? LoginName(validating: words[1])
      else { continue }
      waiting.append(Waiting(device: device, user: user, isDetached: words[2] == "detached", socket: words[3]))
    }
  }

  var text: String {
    waiting.map { "\($0.device) \($0.user) \($0.isDetached ? "detached" : "attached") \($0.socket)\n" }.joined()
  }

  func connection(to device: DeviceName) -> Waiting? { waiting.first { $0.device == device } }
}
