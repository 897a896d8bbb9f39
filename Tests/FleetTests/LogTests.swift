import FleetProtocol
import Testing

@testable import fleet

@Suite struct LogTests {
  private let plain = TerminalStyle(hasColor: false)
  private let entries = [
    LogEntry(at: Sample.now, actor: "anna", action: "provision", device: "kitchen-pi", remoteAddress: "203.0.113.7"),
    LogEntry(
      at: Sample.now, actor: "anna", action: "connect", device: "kitchen-pi", remoteAddress: "203.0.113.7",
      duration_s: 62, bytesToDevice: 4096, bytesFromDevice: 20480),
    LogEntry(at: Sample.now, actor: "bo\u{1B}b", action: "connect", device: "attic", remoteAddress: "2001:db8::9"),
  ]

  @Test func whoWasWhereAndHowLong() {
    #expect(
      LogTable().text(entries, style: plain) == """
        TIME                  WHO        DID        DEVICE      FROM            LASTED    SENT  RECEIVED
        2026-01-02T03:04:25Z  anna       provision  kitchen-pi  203.0.113.7          -       -         -
        2026-01-02T03:04:25Z  anna       connect    kitchen-pi  203.0.113.7  1 min 2 s  4.0 kB   20.4 kB
        2026-01-02T03:04:25Z  bo\\u{1b}b  connect    attic       2001:db8::9          -       -         -

        """)
  }

  @Test func columnsThatSayNothingAreNotThereAndNarrowOnesFit() {
    #expect(!LogTable().text([entries[0]], style: plain).contains("LASTED"))
    for width in 40...100 {
      let lines = LogTable(width: width).text(entries, style: plain).split(separator: "\n")
      #expect(lines.allSatisfy { DisplayWidth.of($0) <= max(width, 56) }, "\(width)")
    }
    #expect(LogTable(width: 80).text(entries, style: plain).contains("1 min 2 s"))
  }

  @Test func jsonIsWhatScriptsRelyOn() throws {
    guard case .object(let object) = try JSON(parsing: LogTable.json(entries)),
      case .array(let rows)? = object["entries"], case .object(let row)? = rows.dropFirst().first
    else { throw JSONError("no entries") }
    #expect(object["v"] == .integer(1) && rows.count == 3)
    #expect(row["actor"] == .string("anna") && row["duration_s"] == .integer(62))
  }

  @Test func sinceWhen() throws {
    func since(_ text: String) throws -> String { try LogStart(parsing: text).moment(now: Sample.now).description }
    #expect(try since("2h") == "2026-01-02T01:04:25Z" && since("7d") == "2025-12-26T03:04:25Z")
    #expect(try since("2026-01-02") == "2026-01-02T00:00:00Z")
    #expect(try since("2025-12-31T23:59:59Z") == "2025-12-31T23:59:59Z")
    for wrong in ["", "2", "yesterday", "2026-02-30", "2026-01-02T03:04:05", "-2h"] {
      let refusal = #expect(throws: Refusal.self) { try LogStart(parsing: wrong) }
      #expect(refusal?.code == .usage && refusal?.hint?.contains("UTC") == true)
    }
  }
}
