import FleetProtocol

/// Which of the known names someone may have meant.
enum NearestNames {
  /// At most three names within a distance of a third of the name's length (at least one edit), nearest first.
  static func nearest(to name: String, among names: [String]) -> [String] {
    let limit = max(1, name.utf8.count / 3)
    return
      names.map { (name: $0, distance: distance(name, $0)) }
      .filter { $0.distance <= limit || (name.utf8.count >= 3 && $0.name.hasPrefix(name)) }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
      .prefix(3).map(\.name)
  }

  static func refusal(noSuch name: DeviceName, among names: [String]) -> Refusal {
    let near = nearest(to: name.rawValue, among: names)
    let hint =
      switch near.count {
      case 0: "see 'fleet list --all'"
      case 1: "did you mean \(near[0])?"
      default: "did you mean \(near.dropLast().joined(separator: ", ")) or \(near[near.count - 1])?"
      }
    return Refusal(.noSuchDevice, "there is no device \(name)", hint: hint)
  }

  /// How many insertions, deletions, replacements and swaps of neighbours lead from one to the other.
  static func distance(_ left: String, _ right: String) -> Int {
    let a = Array(left.utf8)
    let b = Array(right.utf8)
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
