/// Rows of text in columns.
struct TextTable {
  /// A column: its heading, and on which side its cells stand.
  struct Column {
    let heading: String
    var isAlignedRight = false
  }

  let columns: [Column]
  let rows: [[String]]

  /// The heading and the rows, a newline after each. `paint` may colour the padded cell of a row's column.
  func text(style: TerminalStyle, paint: (_ row: Int, _ column: Int, _ cell: String) -> String = { $2 }) -> String {
    let widths = columns.indices.map { index in
      rows.reduce(DisplayWidth.of(columns[index].heading)) { max($0, DisplayWidth.of($1[index])) }
    }
    func line(_ cells: [String], paint: (Int, String) -> String) -> String {
      let padded = cells.enumerated().map { index, cell in
        // The last column is not padded: a line that ends in spaces wraps for nothing.
        let isLast = index == cells.count - 1
        return paint(
          index,
          isLast
            ? cell : DisplayWidth.padded(cell, to: widths[index], alignedRight: columns[index].isAlignedRight))
      }
      return Self.trimmed(padded.joined(separator: "  ")) + "\n"
    }
    return line(columns.map(\.heading)) { _, cell in style.paint(cell, .bold) }
      + rows.enumerated().map { row, cells in line(cells) { column, cell in paint(row, column, cell) } }.joined()
  }

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }
}
