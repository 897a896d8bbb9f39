/// Rows of text in columns.
struct TextTable {
  /// A column: its heading, on which side its cells stand, and what it gives up on a narrow terminal (see `TableFit`).
  struct Column {
    let heading: String
    var isAlignedRight = false
    var shortest: Int?
    var leavesAs: Int?
  }

  let columns: [Column]
  let rows: [[String]]
  var hasHeadings = true
  /// How wide a line may be; `nil` for as wide as it takes.
  var width: Int?

  private static let gap = 2

  /// The heading and the rows, a newline after each. `paint` may colour the padded cell of a row's column.
  func text(style: TerminalStyle, paint: (_ row: Int, _ column: Int, _ cell: String) -> String = { $2 }) -> String {
    let widths = widths
    let kept = columns.indices.filter { widths[$0] != nil }
    func line(_ cells: [String], paint: (Int, String) -> String) -> String {
      var line = ""
      for column in kept {
        let width = widths[column]!
        let cell = DisplayWidth.cut(cells[column], to: width)
        // The last column is not padded: a line that ends in spaces wraps for nothing.
        let isLast = column == kept.last
        let padded = DisplayWidth.padded(
          cell, to: isLast && !columns[column].isAlignedRight ? 0 : width,
          alignedRight: columns[column].isAlignedRight)
        line += paint(column, padded) + (isLast ? "" : String(repeating: " ", count: Self.gap))
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line + "\n"
    }
    var text = hasHeadings ? line(columns.map(\.heading)) { _, cell in style.paint(cell, .bold) } : ""
    for (row, cells) in rows.enumerated() { text += line(cells) { column, cell in paint(row, column, cell) } }
    return text
  }

  private var widths: [Int?] {
    let natural = columns.indices.map { index in
      rows.reduce(hasHeadings ? DisplayWidth.of(columns[index].heading) : 0) { max($0, DisplayWidth.of($1[index])) }
    }
    guard let width else { return natural }
    let fitting = columns.indices.map {
      TableFit.Column(width: natural[$0], shortest: columns[$0].shortest, leavesAs: columns[$0].leavesAs)
    }
    return TableFit.widths(fitting, into: width, gap: Self.gap)
  }
}
