import FleetProtocol

/// One line of the key file: which key, what it may do, and who it is.
enum KeyLine {
  /// The device may listen on and connect to its one port and run its one command. sshd enforces it, so the line
  /// is the whole of a device's authority: every word of it was measured against sshd.
  static func device(_ entry: KeyFileText.Device, command: ForcedCommand) -> String {
    let endpoint = "\"\(Loopback.address):\(entry.port)\""
    let expiry = entry.expires.map { "expiry-time=\"\(text($0))\"," } ?? ""
    let word = entry.standing.word.map { " \($0)" } ?? ""
    return "restrict,port-forwarding,permitlisten=\(endpoint),permitopen=\(endpoint),\(expiry)"
      + "command=\"\(command.text("device \(entry.id) \(entry.port)\(word)"))\" \(entry.key) fleet:\(entry.id)"
  }

  /// As sshd takes a time that is UTC whatever its own time zone: `20260102030405Z`.
  private static func text(_ time: Timestamp) -> String { time.description.filter { $0.isNumber || $0 == "Z" } }

  /// An operator may run its one command and forward nothing.
  static func `operator`(_ name: OperatorName, key: PublicKey, command: ForcedCommand) -> String {
    "restrict,command=\"\(command.text("operator \(name)"))\" \(key) fleet-operator:\(name)"
  }

  /// An enroll key may run its one command and forward nothing.
  static func enrollKey(_ id: EnrollKeyID, key: PublicKey, command: ForcedCommand) -> String {
    "restrict,command=\"\(command.text("enroll-key \(id)"))\" \(key) fleet-enroll-key:\(id)"
  }
}

/// How a key line starts fleet-server. Both paths have passed `SafePath`.
struct ForcedCommand: Hashable {
  var executable: String
  /// The folder, where sshd does not tell the command in its environment and it is not the account's default.
  var home: String?

  /// `exec`, so that no shell stays behind for each connection.
  fileprivate func text(_ arguments: String) -> String {
    "exec \(executable) \(home.map { "--home \($0) " } ?? "")\(arguments)"
  }
}
