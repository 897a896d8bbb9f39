import FleetProtocol
import Testing

@testable import fleet

/// What `fleet log --verify` says and remembers.
@Suite struct LogVerdictTests {
  private let before = VerifiedLog(
    start: .beginning, head: AuditHead(number: 1200, hash: AuditHead.beginning.hash), at: Sample.now)

  private func verdict(_ change: (inout LogVerdict) -> Void) -> LogVerdict {
    var verdict = LogVerdict(
      count: 1234, from: Timestamp(seconds: 0), to: Timestamp(seconds: 60), last: 1234, rotated: 100)
    change(&verdict)
    return verdict
  }

  @Test func anUnbrokenLogIsOneLine() {
    #expect(
      verdict { _ in }.text
        == "✓ 1234 entries from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z, unbroken; this laptop looks for the first time\n"
    )
    #expect(
      verdict { $0.before = before }.text.hasSuffix(
        "unbroken; this laptop looked last at 2026-01-02T03:04:25Z, up to entry 1200\n"))
    #expect(verdict { ($0.isOfNew, $0.count) = (true, 1) }.text.hasPrefix("✓ 1 new entry from 1970"))
    #expect(verdict { ($0.isOfNew, $0.count) = (true, 0) }.text.hasPrefix("✓ no new entry; "))
    #expect(verdict { _ in }.refusal == nil)
  }

  @Test func aBrokenLogIsARefusalThatSaysWhatToDo() {
    let changed = verdict { $0.fault = .changed(17) }
    #expect(changed.text.isEmpty && changed.refusal?.code == .auditBroken)
    #expect(
      changed.refusal?.message == "the log is broken: entry 17 was changed, in the files of HostA's folder 'audit'")
    #expect(changed.refusal?.hint?.contains("--accept") == true)
    let short = verdict { ($0.before, $0.fault) = (before, .shortened(900, remembered: 1200)) }
    #expect(short.refusal?.hint?.contains("restored backup") == true)
    #expect(
      short.refusal?.message
        == "the log is broken: the log ends at entry 900 and went to 1200 when this laptop looked last (2026-01-02T03:04:25Z)"
    )
    let accepted = verdict { ($0.fault, $0.isAccepted) = (.changed(170), true) }
    #expect(accepted.refusal == nil && accepted.text.hasPrefix("accepted that entry 170 was changed\n✓ 1234 entries"))
  }

  @Test func scriptsGetOneObject() throws {
    let good = try JSON(parsing: verdict { $0.before = before }.json)
    guard case .object(let object) = good else { throw JSONError("no object") }
    #expect(object["ok"] == .bool(true) && object["entries"] == .integer(1234) && object["fault"] == nil)
    #expect(object["looked_up_to"] == .integer(1200))
    guard case .object(let broken) = try JSON(parsing: verdict { $0.fault = .missing(3, 5) }.json) else {
      throw JSONError("no object")
    }
    #expect(broken["ok"] == .bool(false) && broken["fault"] == .string("missing") && broken["entry"] == .integer(3))
  }

  @Test func whatIsRememberedIsReadAsItIsWritten() throws {
    #expect(try VerifiedLog(parsing: before.text.utf8) == before)
    for wrong in [
      "", "{}", #"{"v":1,"start":{"n":0,"hash":""},"head":{"n":-1,"hash":""},"at":"2026-01-02T03:04:25Z"}"#,
    ] {
      #expect(throws: JSONError.self) { try VerifiedLog(parsing: wrong.utf8) }
    }
  }

  @Test func whatIsKeptOfAHostAHasIt() {
    let paths = FleetPaths(home: "/h", xdgConfigHome: nil, xdgStateHome: nil)
    #expect(paths.kept(of: "office").contains(paths.verifiedLog(host: "office")))
  }
}
