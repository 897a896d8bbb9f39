import FleetProtocol

/// What becomes of one file.
struct FileChange: Hashable {
  let path: String
  /// `nil` where there is no file.
  let old: [UInt8]?
  /// `nil` where there will be none.
  let new: [UInt8]?

  var isOne: Bool { old != new }

  /// As diff(1) with `-u` shows it, with the lines around the change; empty where nothing changes.
  var difference: String {
    guard isOne else { return "" }
    let (old, new) = (Self.lines(self.old), Self.lines(self.new))
    let before = zip(old, new).prefix { $0 == $1 }.count
    let after = zip(old.dropFirst(before).reversed(), new.dropFirst(before).reversed()).prefix { $0 == $1 }.count
    let around = 3
    let head = old[max(0, before - around)..<before]
    let tail = old[(old.count - after)..<min(old.count, old.count - after + around)]
    let place = DisplayText.escaped(path)
    var text = "--- \(self.old == nil ? "/dev/null" : place)\n+++ \(self.new == nil ? "/dev/null" : place)\n"
    let first = old.isEmpty ? 0 : max(0, before - around) + 1
    let firstNew = new.isEmpty ? 0 : max(0, before - around) + 1
    let removed = old[before..<(old.count - after)]
    let added = new[before..<(new.count - after)]
    let same = head.count + tail.count
    text += "@@ -\(first),\(removed.count + same) +\(firstNew),\(added.count + same) @@\n"
    for (mark, lines) in [(" ", head), ("-", removed), ("+", added), (" ", tail)] {
      for line in lines { text += mark + DisplayText.escaped(line) + "\n" }
    }
    return text
  }

  private static func lines(_ content: [UInt8]?) -> [String] {
    var lines = (content ?? []).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }
}
