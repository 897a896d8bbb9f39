import FleetProtocol

/// Moves the oldest entries of the audit from the registry into files.
///
/// A file is on the disk before its rows go. Cut off between the two, an entry is in both places, where only the row
/// counts, and the next rotation writes the same file again.
struct AuditRotation {
  let home: Home
  let registry: Registry

  /// Returns how many entries were moved. Throws `registry-busy` while another rotation goes on.
  func run(_ rule: AuditRotationRule) throws(Refusal) -> Int64 {
    guard let numbers = try registry.auditNumbers(), let last = rule.lastToMove(of: numbers) else { return 0 }
    guard let lock = try FileLock(path: home.auditLock, wait: .seconds(5)) else {
      throw Refusal(.registryBusy, "another process is rotating the audit", hint: "try again in a minute")
    }
    defer { lock.release() }
    var moved: Int64 = 0
    while let step = try move(upTo: last) { moved += step }
    return moved
  }

  /// Moves what fits into one file; `nil` when nothing is left to move.
  private func move(upTo last: Int64) throws(Refusal) -> Int64? {
    guard let first = try registry.auditNumbers()?.lowerBound, first <= last else { return nil }
    let limit = min(last - first + 1, AuditRotationRule.longestFile)
    let found = try registry.auditLines(after: first - 1, upTo: last, limit: Int(limit))
    guard let reached = found.reached else { return nil }
    try AuditFolder(path: home.audit).write(found.lines, first: first)
    try registry.forgetRotated(upTo: reached.head, at_s: reached.at_s, before: found.rotated)
    return Int64(found.lines.count)
  }
}
