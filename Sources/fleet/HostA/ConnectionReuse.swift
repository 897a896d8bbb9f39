import FleetProtocol

/// Whether a request may go over a connection to HostA that stands already, and leave one behind for the next.
enum ConnectionReuse {
  case wanted
  case off

  /// What the person wants: `FLEET_REUSE=0` is the off switch.
  static var chosen: ConnectionReuse { LaptopEnvironment.variable("FLEET_REUSE") == "0" ? .off : .wanted }

  /// How long a connection stays when nobody uses it, and for how long after it was made a device's is used again.
  static let persistence_s: Int64 = 60

  /// How long HostA may be silent on a connection that stood already before another one is made.
  static let patience_ms: Int32 = 3000
}

extension OperatorRequest {
  /// Whether it does no harm to ask again when no answer came.
  var mayBeAskedAgain: Bool {
    switch self {
    case .version, .list, .select, .show, .log, .auditLines, .connect, .pending, .enrollKeys, .queue: true
    default: false
    }
  }
}
