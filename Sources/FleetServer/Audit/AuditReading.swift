import FleetProtocol

/// Reads the audit from its first entry on, the files and the registry as one.
struct AuditReading {
  let home: Home
  let registry: Registry

  /// A page has not much more than so many bytes.
  private static let pageBytes = 8 << 20

  /// The lines that are asked for. Throws `io-failed`.
  func page(_ body: AuditLinesBody) throws(Refusal) -> AuditPage {
    let rows = try registry.auditLines(after: body.after, limit: body.limit, bytes: Self.pageBytes)
    var lines: [[UInt8]] = []
    if body.after < rows.rotated.number {
      lines = try AuditFolder(path: home.audit).lines(
        after: body.after, upTo: rows.rotated.number, limit: body.limit, bytes: Self.pageBytes)
    }
    // Beyond a page of files that is full there may be more of them.
    let isFull = lines.count >= body.limit || lines.reduce(0) { $0 + $1.count } >= Self.pageBytes
    if !isFull { lines += rows.lines.prefix(body.limit - lines.count) }
    return AuditPage(lines: lines, last: rows.head.number, rotated: rows.rotated.number)
  }

  /// What a whole audit is.
  struct Summary: Hashable {
    var count: Int64
    var rotated: Int64
    var from: Timestamp?
    var to: Timestamp?
  }

  /// Follows the whole chain. Throws `audit-broken`.
  func check() throws(Refusal) -> Summary {
    var check = AuditCheck()
    var summary = Summary(count: 0, rotated: 0)
    while true {
      let page = try page(AuditLinesBody(after: check.head.number))
      summary.rotated = page.rotated
      do throws(AuditFault) {
        for line in page.lines { try check.add(line) }
        if page.lines.isEmpty { try check.end(last: page.last) }
      } catch {
        throw Refusal(
          .auditBroken, "the audit is broken: \(error.sentence(rotated: page.rotated))",
          hint: "somebody wrote to the registry or to the files beside fleet-server, or a file was lost")
      }
      if summary.from == nil { summary.from = page.lines.first.flatMap(Self.time) }
      if let time = page.lines.last.flatMap(Self.time) { summary.to = time }
      summary.count = check.count
      if page.lines.isEmpty { return summary }
    }
  }

  private static func time(_ line: [UInt8]) -> Timestamp? { try? AuditEntry(parsing: line).at }
}
