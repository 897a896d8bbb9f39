import FleetProtocol

/// Whose key opened a connection: what stands in the key's line.
enum KeyHolder: Hashable {
  case device(DeviceID)
  case `operator`(OperatorName)
  case enrollKey(EnrollKeyID)

  init(_ line: ForcedCommandLine) {
    switch line {
    case .device(let id, _, _, _): self = .device(id)
    case .operator(let name, _): self = .operator(name)
    case .enrollKey(let id, _): self = .enrollKey(id)
    }
  }
}

/// A connection to the private sshd.
struct OpenConnection: Hashable {
  /// OpenSSH's processes that carry it.
  var sshd: Set<ProcessIdentity>
  /// Whose forced commands run over it at this moment.
  var callers: Set<KeyHolder>
  /// Since it was accepted.
  var age: Duration
}

/// Which connections end when a key is out: sshd asks for the key at the login only, and a connection that was opened
/// before can go on for ever.
enum ShutOutRule {
  enum Fate: Hashable {
    case stays
    case ends
    /// It may be logging in right now, and says soon whose it is.
    case isAwaited
  }

  /// How long a login takes until it runs its command; on a busy machine some take longer.
  static let loginPatience: Duration = .seconds(2)

  /// Those end over which the key's holder runs a command, and those of which nobody can say whose they are: sshd tells
  /// the key of a connection only to its commands. The recorded tunnels of devices (`sessions`) stay, and so does the
  /// connection that asks. Who loses an idle connection through no fault of theirs makes another.
  static func fate(
    of connection: OpenConnection, without holder: KeyHolder, sessions: Set<ProcessIdentity>, ownAncestors: Set<Int32>
  ) -> Fate {
    if connection.sshd.contains(where: { ownAncestors.contains($0.pid) }) { return .stays }
    if connection.callers.contains(holder) { return .ends }
    guard connection.callers.isEmpty, connection.sshd.isDisjoint(with: sessions) else { return .stays }
    return connection.age < loginPatience ? .isAwaited : .ends
  }
}
