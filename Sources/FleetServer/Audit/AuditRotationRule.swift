/// How many entries of the audit stay in the registry.
struct AuditRotationRule: Hashable {
  /// Nothing is moved while there are no more than these.
  var most: Int64
  /// So many are left.
  var kept: Int64

  /// Some 30 MB of registry: years of a small fleet, and weeks of a large one.
  static let automatic = AuditRotationRule(most: 100_000, kept: 50_000)

  /// A file has at most so many entries.
  static let longestFile: Int64 = 50_000

  /// The number of the last entry that goes; `nil` where all stay.
  func lastToMove(of numbers: ClosedRange<Int64>) -> Int64? {
    let last = numbers.upperBound - kept
    guard Int64(numbers.count) > most, last >= numbers.lowerBound else { return nil }
    return last
  }
}
