/// The body of `audit-lines`: which lines of the audit are asked for.
public struct AuditLinesBody: Hashable, Sendable {
  /// The number of the entry before the first.
  public var after: Int64
  /// At most so many, 1 to `mostLines`.
  public var limit: Int

  public static let mostLines = 10_000

  public init(after: Int64, limit: Int = mostLines) {
    self.after = after
    self.limit = limit
  }

  public init(parsing line: some Collection<UInt8>) throws(JSONError) {
    let object = try JSONObject(parsingBody: line)
    after = try object.integer("after", in: 0...(Int64.max - 1))
    limit = Int(try object.integer("limit", in: 1...Int64(Self.mostLines)))
  }

  public var line: String {
    JSON.object(["v": .integer(Reply.version), "after": .integer(after), "limit": .integer(Int64(limit))]).text
  }
}

/// What comes back: some lines, and how far the audit goes.
public struct AuditPage: Hashable, Sendable {
  public var lines: [[UInt8]]
  /// The number of the last entry that there is.
  public var last: Int64
  /// The number of the last entry that lies in a file.
  public var rotated: Int64

  public init(lines: [[UInt8]], last: Int64, rotated: Int64) {
    self.lines = lines
    self.last = last
    self.rotated = rotated
  }

  public init(_ fields: JSONObject, lines: [[UInt8]]) throws(JSONError) {
    guard try fields.integer("count", in: 0...Int64(AuditLinesBody.mostLines)) == lines.count else {
      throw JSONError("it ends in the middle of the lines")
    }
    self.lines = lines
    last = try fields.integer("last", in: 0...Int64.max)
    rotated = try fields.integer("rotated", in: 0...Int64.max)
  }

  public var fields: JSONObject {
    ["count": .integer(Int64(lines.count)), "last": .integer(last), "rotated": .integer(rotated)]
  }
}
