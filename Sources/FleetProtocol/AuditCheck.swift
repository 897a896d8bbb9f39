/// Follows the chain of the audit, line by line, and finds where it is broken.
public struct AuditCheck: Hashable, Sendable {
  /// Behind which entry everything has been followed.
  public private(set) var start: AuditHead
  /// The last entry that was followed.
  public private(set) var head: AuditHead
  /// How many entries were followed.
  public private(set) var count: Int64 = 0
  /// How far the chain went when somebody looked last.
  private let remembered: AuditHead?
  /// The next line's hash is taken as it stands.
  private var takesNext = false

  /// Begins behind `start`. The chain must come by what is `remembered`.
  public init(after start: AuditHead = .beginning, remembered: AuditHead? = nil) {
    self.start = start
    head = start
    self.remembered = remembered
  }

  /// Begins with the very entry that is remembered: for what came since.
  public init(resumingAt remembered: AuditHead) {
    self.init(after: AuditHead(number: remembered.number - 1, hash: ""), remembered: remembered)
    takesNext = true
  }

  /// Follows one more line.
  public mutating func add(_ bytes: some BidirectionalCollection<UInt8>) throws(AuditFault) {
    let expected = head.number + 1
    guard let line = AuditLine(parsing: bytes) else { throw .unreadable(expected) }
    guard line.number >= expected else { throw .misplaced(line.number, expected: expected) }
    guard line.number == expected else { throw .missing(expected, line.number - 1) }
    guard takesNext || line.hash == head.hash(ofNext: line.text) else { throw .changed(expected) }
    if let remembered, remembered.number == line.number, remembered.hash != line.hash {
      throw .rewritten(remembered.number)
    }
    head = AuditHead(number: line.number, hash: line.hash)
    if takesNext { start = head }
    takesNext = false
    count += 1
  }

  /// The chain has no more lines, and HostA calls `last` its last.
  public func end(last: Int64) throws(AuditFault) {
    if let remembered, head.number < remembered.number { throw .shortened(head.number, remembered: remembered.number) }
    guard head.number >= last else { throw .missing(head.number + 1, last) }
  }

  /// Takes a line as it stands after it was found at fault: what follows it is followed from there.
  public mutating func pass(_ bytes: some BidirectionalCollection<UInt8>) {
    let line = AuditLine(parsing: bytes)
    head = AuditHead(number: line?.number ?? head.number + 1, hash: line?.hash ?? "")
    takesNext = line == nil
    start = head
    count = 0
  }
}

/// Where the audit is broken.
public enum AuditFault: Error, Hashable, Sendable {
  /// Where this entry should be stands none.
  case unreadable(Int64)
  /// This entry does not fit the hash that it has.
  case changed(Int64)
  /// The entries from the first to the last of these are not there.
  case missing(Int64, Int64)
  /// This entry stands where another should be.
  case misplaced(Int64, expected: Int64)
  /// This entry fits its place and is another than before.
  case rewritten(Int64)
  /// The audit ends with this entry and went further before.
  case shortened(Int64, remembered: Int64)

  /// How scripts know it.
  public var word: String {
    switch self {
    case .unreadable: "unreadable"
    case .changed: "changed"
    case .missing: "missing"
    case .misplaced: "misplaced"
    case .rewritten: "rewritten"
    case .shortened: "shortened"
    }
  }

  /// The first entry that it is about.
  public var number: Int64 {
    switch self {
    case .unreadable(let number), .changed(let number), .missing(let number, _), .misplaced(let number, _),
      .rewritten(let number):
      number
    case .shortened(let last, _): last + 1
    }
  }

  /// One sentence. Entries up to `rotated` lie in files; `looked` says when the audit was looked at last.
  public func sentence(rotated: Int64, looked: Timestamp? = nil) -> String {
    let place = number <= rotated ? ", in the files of HostA's folder 'audit'" : ""
    let then = "when this laptop looked last" + (looked.map { " (\($0))" } ?? "")
    switch self {
    case .unreadable(let number): return "entry \(number) cannot be read\(place)"
    case .changed(let number): return "entry \(number) was changed\(place)"
    case .missing(let first, let last):
      return (first == last ? "entry \(first) is missing" : "entries \(first) to \(last) are missing") + place
    case .misplaced(let number, let expected):
      return "entry \(number) stands where entry \(expected) should be\(place)"
    case .rewritten(let number): return "entry \(number) is not what it was \(then), and the hashes were made to fit"
    case .shortened(let last, let remembered): return "the log ends at entry \(last) and went to \(remembered) \(then)"
    }
  }
}
