import FleetProtocol

/// The devices of a CSV file: every row checked before anything is done with one.
struct DeviceList: Hashable {
  struct Row: Hashable {
    /// As a spreadsheet counts.
    let number: Int
    let name: DeviceName
    /// `nil` where the file does not say.
    let user: LoginName?
    let tags: [String: String]
  }

  let rows: [Row]

  private static let columns = ["name", "user", "tags"]

  /// Parses the whole file. The first row may name its columns; otherwise they are name, user and tags. Throws
  /// `usage` or `name-invalid` with the number of the first row that is wrong.
  init(parsing bytes: [UInt8]) throws(Refusal) {
    var records = try CSV.rows(in: bytes)
    guard let first = records.first else {
      throw Refusal(.usage, "the file has no rows", hint: "write a row for each device: name,user,tags")
    }
    var columns = Self.columns
    let heading = first.fields.map { $0.trimmed.lowercased() }
    if heading.contains("name") || heading.allSatisfy(Self.columns.contains) {
      columns = try Self.checked(heading)
      records.removeFirst()
    } else if heading.count == 1, heading[0].contains(";") || heading[0].contains("\t") {
      throw Refusal(
        .usage, "row \(first.number) has no comma", hint: "columns are separated by commas: name,user,tags")
    }
    var rows: [Row] = []
    var numbers: [DeviceName: Int] = [:]
    var wrong: [(number: Int, refusal: Refusal)] = []
    for record in records {
      do throws(Refusal) {
        let row = try Self.row(record, columns)
        if let earlier = numbers.updateValue(row.number, forKey: row.name) {
          throw Refusal(.usage, "\(row.name) stands in row \(earlier) already", hint: "a name belongs to one device")
        }
        rows.append(row)
      } catch {
        wrong.append((record.number, error))
      }
    }
    if let first = wrong.first {
      let others = wrong.count > 1 ? ", and \(wrong.count - 1) more rows are wrong" : ""
      throw Refusal(
        first.refusal.code, "row \(first.number): \(first.refusal.message)\(others)",
        hint: (first.refusal.hint.map { "\($0); " } ?? "") + "nothing was done")
    }
    guard !rows.isEmpty else { throw Refusal(.usage, "the file names no device", hint: "write a row for each device") }
    self.rows = rows
  }

  private static func checked(_ heading: [String]) throws(Refusal) -> [String] {
    let known = columns.joined(separator: ", ")
    if let other = heading.first(where: { !columns.contains($0) }) {
      throw Refusal(
        .usage, "the column '\(DisplayText.escaped(other, limit: 40))' is not known", hint: "columns are \(known)")
    }
    guard Set(heading).count == heading.count else {
      throw Refusal(.usage, "a column stands there twice", hint: "columns are \(known)")
    }
    guard heading.contains("name") else {
      throw Refusal(.usage, "the column 'name' is missing", hint: "columns are \(known); the last two may be left out")
    }
    return heading
  }

  private static func row(_ record: CSV.Row, _ columns: [String]) throws(Refusal) -> Row {
    guard record.fields.count <= columns.count else {
      throw Refusal(
        .usage, "\(record.fields.count) fields for \(columns.count) columns",
        hint: "put a field with a comma in quotes")
    }
    let fields = Dictionary(uniqueKeysWithValues: zip(columns, record.fields.map(\.trimmed)))
    let user = fields["user"] ?? ""
    let tags = (fields["tags"] ?? "").split(separator: ";").map { String($0).trimmed }.filter { !$0.isEmpty }
    return Row(
      number: record.number, name: try DeviceName(validating: fields["name"] ?? ""),
      user: user.isEmpty ? nil : try LoginName(validating: user), tags: try Tag.all(tags))
  }
}

extension String {
  /// Without the blanks around it.
  fileprivate var trimmed: String {
    let blanks: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: blanks).reversed().drop(while: blanks).reversed())
  }
}
