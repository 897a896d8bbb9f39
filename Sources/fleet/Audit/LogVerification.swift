import FleetProtocol

/// Follows HostA's log from this laptop. HostA gives the lines and is not asked for its opinion.
struct LogVerification {
  let hostA: HostRequest
  /// Where it is remembered how far the log was followed.
  let file: String

  /// Follows the log from its beginning, or from where this laptop came last. A fault stands in the verdict.
  ///
  /// Throws what the requests throw, and `configuration-invalid` where what was remembered is not understood.
  func run(onlyNew: Bool) throws(Refusal) -> LogVerdict {
    let before = try remembered()
    var verdict = LogVerdict(before: before)
    var check = AuditCheck(after: before?.start ?? .beginning, remembered: before?.head)
    if onlyNew, let before, before.head.number > 0 {
      check = AuditCheck(resumingAt: before.head)
      verdict.isOfNew = true
    }
    try follow(&check, &verdict)
    if verdict.fault == nil { try remember(check.head, from: before?.start ?? .beginning) }
    return verdict
  }

  /// Takes the log as it is: behind the last fault that it has in itself it is followed from now on.
  func accept() throws(Refusal) -> LogVerdict {
    let before = try? remembered()
    var verdict = LogVerdict(before: before, isAccepted: true)
    var check = AuditCheck(after: before?.start ?? .beginning, remembered: before?.head)
    try follow(&check, &verdict)
    if verdict.fault != nil {
      check = AuditCheck()
      try follow(&check, &verdict, passesFaults: true)
    }
    try remember(check.head, from: verdict.fault == nil ? before?.start ?? .beginning : check.start)
    return verdict
  }

  /// Stops at the first fault, unless it passes them and keeps the one that is known.
  private func follow(_ check: inout AuditCheck, _ verdict: inout LogVerdict, passesFaults: Bool = false)
    throws(Refusal)
  {
    (verdict.from, verdict.to) = (nil, nil)
    while true {
      let after = check.head.number
      let page = try hostA.auditLines(AuditLinesBody(after: after))
      verdict.rotated = page.rotated
      do throws(AuditFault) {
        for line in page.lines {
          do throws(AuditFault) { try check.add(line) } catch {
            guard passesFaults else { throw error }
            check.pass(line)
          }
        }
        if page.lines.isEmpty || check.head.number >= page.last { try check.end(last: page.last) }
      } catch {
        if !passesFaults { verdict.fault = error }
        return
      }
      // What is remembered was counted when it was new.
      let skipped = verdict.isOfNew ? 1 : 0
      verdict.count = check.count - Int64(skipped)
      verdict.last = check.head.number
      if verdict.from == nil { verdict.from = page.lines.dropFirst(skipped).first.flatMap(Self.time) }
      if verdict.count > 0, let time = page.lines.last.flatMap(Self.time) { verdict.to = time }
      if page.lines.isEmpty || check.head.number >= page.last { return }
      guard check.head.number > after else {
        throw HostRequest.notUnderstood(JSONError("the log does not go on behind entry \(after)"), hostA.host)
      }
    }
  }

  private static func time(_ line: [UInt8]) -> Timestamp? { try? AuditEntry(parsing: line).at }

  private func remembered() throws(Refusal) -> VerifiedLog? {
    guard let content = try FileStore.content(of: file) else { return nil }
    do { return try VerifiedLog(parsing: content) } catch {
      throw Refusal(
        .configurationInvalid, "what this laptop remembers of the log is not understood: \(error)",
        hint: "'fleet log --verify --accept' begins anew, and \(DisplayText.escaped(file)) is written again")
    }
  }

  private func remember(_ head: AuditHead, from start: AuditHead) throws(Refusal) {
    let log = VerifiedLog(start: start, head: head, at: LaptopEnvironment.now)
    try FileStore.replace(file, with: log.text.utf8)
  }
}
