/// How a table's columns share the width of a terminal.
enum TableFit {
  /// What a column can give up.
  struct Column: Hashable {
    /// What its widest cell takes.
    let width: Int
    /// The width to which it may be cut before a column is left out; `nil` if it stays as it is.
    var shortest: Int?
    /// Its place among those that are left out, the first one first; `nil` if it is never left out.
    var leavesAs: Int?
  }

  /// The width of each column, `nil` for one that is left out. `gap` columns stand between two.
  ///
  /// First the widest of those that may be cut are, then one column after another leaves, and what still does not fit is
  /// cut from the widest one that is left.
  static func widths(_ columns: [Column], into total: Int, gap: Int) -> [Int?] {
    var widths: [Int?] = columns.map(\.width)
    func excess() -> Int {
      let kept = widths.compactMap(\.self)
      return kept.reduce(0, +) + gap * max(0, kept.count - 1) - total
    }
    let leaving = columns.indices.filter { columns[$0].leavesAs != nil }
      .sorted { columns[$0].leavesAs! < columns[$1].leavesAs! }
    for next in leaving.map(Optional.some) + [nil] {
      let untouched = widths
      while excess() > 0 {
        let widest = columns.indices.filter { index in
          guard let width = widths[index], let shortest = columns[index].shortest else { return false }
          return width > shortest
        }.max { widths[$0]! < widths[$1]! }
        guard let widest else { break }
        widths[widest]! -= 1
      }
      if excess() <= 0 { return widths }
      guard let next else { break }
      widths = untouched
      widths[next] = nil
    }
    if let widest = columns.indices.filter({ widths[$0] != nil }).max(by: { widths[$0]! < widths[$1]! }) {
      widths[widest] = max(4, widths[widest]! - excess())
    }
    return widths
  }
}
