/// What an operator may do, from least to most; each role may do what those before it may.
public enum OperatorRole: String, CaseIterable, Comparable, Sendable {
  /// Sees devices and the log.
  case viewer
  /// Connects to devices, too.
  case `operator`
  /// Provisions, changes and removes devices, too.
  case admin

  public static func < (left: Self, right: Self) -> Bool {
    allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
  }
}

extension OperatorRequest {
  /// The least role that may ask for it.
  public var requiredRole: OperatorRole {
    switch self {
    case .version, .list, .select, .show, .log, .auditLines: .viewer
    case .connect, .queueAdd, .queue, .queueTake, .queueDone, .queueCancel: .operator
    case .provision, .provisionMany, .enroll, .rename, .tag, .replace, .remove, .rekey, .createEnrollKey, .enrollKeys,
      .removeEnrollKey, .pending, .approve, .reject:
      .admin
    }
  }
}
