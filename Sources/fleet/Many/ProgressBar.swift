/// How far many rows have come, in one line.
enum ProgressBar {
  /// `[######    ] 300 of 500, 12 s left`. The rest is guessed once some of it is done.
  ///
  /// - Parameter begun: how many were done before the clock began.
  static func text(done: Int, from begun: Int, of total: Int, elapsed_s: Double, width: Int = 30) -> String {
    let filled = total > 0 ? width * done / total : width
    let bar = String(repeating: "#", count: filled) + String(repeating: " ", count: width - filled)
    guard done > begun, done < total else { return "[\(bar)] \(done) of \(total)" }
    let left_s = Int((elapsed_s * Double(total - done) / Double(done - begun)).rounded(.up))
    return "[\(bar)] \(done) of \(total), \(left_s) s left"
  }
}
