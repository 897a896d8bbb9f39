import FleetProtocol

/// Comma-separated values as RFC 4180 has them, with CRLF, LF or CR, and a byte order mark or none.
enum CSV {
  /// One row; `number` counts as a spreadsheet does, from 1, blank rows included.
  struct Row: Hashable {
    let number: Int
    let fields: [String]
  }

  private enum State { case start, plain, quoted, closed }

  /// The rows that are not blank. Throws `usage` with the number of the row that is none.
  static func rows(in bytes: [UInt8]) throws(Refusal) -> [Row] {
    guard !bytes.starts(with: [0xFF, 0xFE]), !bytes.starts(with: [0xFE, 0xFF]) else {
      throw Refusal(.usage, "the file is in UTF-16", hint: "save it as CSV in UTF-8")
    }
    var rows: [Row] = []
    var number = 1
    var fields: [String] = []
    var field: [UInt8] = []
    var state = State.start
    func endField() throws(Refusal) {
      guard let text = String(validating: field, as: UTF8.self) else { throw wrong(number, "is not UTF-8") }
      fields.append(text)
      field = []
      state = .start
    }
    func endRow() throws(Refusal) {
      let isBlank = fields.isEmpty && field.isEmpty && state == .start
      try endField()
      if !isBlank { rows.append(Row(number: number, fields: fields)) }
      fields = []
      number += 1
    }
    var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    while let byte = rest.popFirst() {
      switch (state, byte) {
      case (.quoted, UInt8(ascii: "\"")):
        if rest.first == byte { field.append(rest.removeFirst()) } else { state = .closed }
      case (.quoted, _): field.append(byte)
      case (_, UInt8(ascii: ",")): try endField()
      case (_, 0x0D):
        if rest.first == 0x0A { rest.removeFirst() }
        try endRow()
      case (_, 0x0A): try endRow()
      case (.start, UInt8(ascii: "\"")): state = .quoted
      case (.closed, _): throw wrong(number, "has text behind a closing quote")
      case (_, UInt8(ascii: "\"")): throw wrong(number, "has a quote inside a field that does not begin with one")
      default:
        field.append(byte)
        state = .plain
      }
    }
    guard state != .quoted else { throw wrong(number, "has a quote that is never closed") }
    if !fields.isEmpty || !field.isEmpty || state != .start { try endRow() }
    return rows
  }

  /// One row with its end, quoted where it must be.
  static func line(_ fields: [String]) -> String {
    fields.map { field in
      let isPlain = field.utf8.allSatisfy { ![0x22, 0x2C, 0x0A, 0x0D].contains($0) }
      return isPlain ? field : "\"" + field.replacingScalar("\"", by: "\"\"") + "\""
    }.joined(separator: ",") + "\r\n"
  }

  private static func wrong(_ number: Int, _ what: String) -> Refusal {
    Refusal(.usage, "row \(number) \(what)", hint: "mend it; nothing was done")
  }
}
