import FleetProtocol
import Testing

@testable import fleet

/// What is shown of the output of many devices, and how much of it is kept.
@Suite struct ExecOutputTests {
  private let job = ExecJob(device: Sample.kitchen, command: "uptime")

  private func report(_ form: ExecReport.Form, terminal: Bool = false) -> ExecReport {
    ExecReport(
      form: form, outputIsTerminal: terminal, errorsAreTerminal: terminal, style: TerminalStyle(hasColor: false))
  }

  private func text(_ pieces: [ExecReport.Piece], _ stream: ExecReport.Stream = .output) -> String {
    String(decoding: pieces.filter { $0.stream == stream }.flatMap(\.bytes), as: UTF8.self)
  }

  @Test func linesComeWholeBehindTheName() {
    var report = report(.prefixed)
    #expect(
      report.add(Array("one\ntw".utf8)[...], to: .output, of: job).map { $0.bytes } == [Array("kitchen-pi: one\n".utf8)]
    )
    #expect(text(report.add(Array("broken\n".utf8)[...], to: .errors, of: job), .errors) == "kitchen-pi: broken\n")
    #expect(text(report.add(Array("o\n\nthree".utf8)[...], to: .output, of: job)) == "kitchen-pi: two\nkitchen-pi: \n")
    #expect(text(report.end(job, ExecOutcome(state: .ok, status: 0))) == "kitchen-pi: three\n")
    #expect(report.end(job, ExecOutcome(state: .offline)).isEmpty)
  }

  @Test func aLineWithoutEndIsGivenOutInPartsAndNothingOfItIsLost() {
    var prefixer = LinePrefixer(prefix: "x: ", forTerminal: false)
    var shown: [UInt8] = []
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 50_000)
    for _ in 0..<5 { shown += prefixer.take(piece[...]) }
    shown += prefixer.end()
    let lines = shown.split(separator: UInt8(ascii: "\n"))
    #expect(
      lines.count == 4 && lines.allSatisfy { $0.count <= LinePrefixer.longestLine + 3 && $0.starts(with: "x: ".utf8) })
    #expect(lines.reduce(0) { $0 + $1.count - 3 } == 250_000)
  }

  @Test func onlyATerminalIsProtectedFromControlCharacters() {
    let bytes = Array("\u{1B}[31mred\u{1B}[0m\ttab\r\n".utf8)
    var plain = report(.prefixed)
    #expect(plain.add(bytes[...], to: .output, of: job).first?.bytes == Array("kitchen-pi: ".utf8) + bytes)
    var terminal = report(.prefixed, terminal: true)
    #expect(
      text(terminal.add(bytes[...], to: .output, of: job)) == "kitchen-pi: \\u{1b}[31mred\\u{1b}[0m\ttab\n")
    #expect(OutputText.line([0xFF, 0x41][...], forTerminal: true) == Array("\u{FFFD}A".utf8))
    #expect(OutputText.lines(Array("a\nb".utf8), forTerminal: false) == Array("a\nb\n".utf8))
  }

  @Test func aGroupIsShownAtOnceWithWhatWasCut() {
    var report = report(.grouped)
    #expect(report.add(Array("out\n".utf8)[...], to: .output, of: job).isEmpty)
    #expect(report.add(Array("err".utf8)[...], to: .errors, of: job).isEmpty)
    let failed = ExecOutcome(state: .failed, status: 3, duration: .milliseconds(420))
    #expect(text(report.end(job, failed)) == "== kitchen-pi: status 3, 0.4 s\nout\nerr\n")
    #expect(text(report.end(job, ExecOutcome(state: .ok, status: 0))) == "== kitchen-pi: ok, 0.0 s\n")
    #expect(report.end(job, ExecOutcome(state: .offline)).isEmpty)

    _ = report.add([UInt8](repeating: 0x41, count: CappedOutput.limit + 7)[...], to: .output, of: job)
    #expect(text(report.end(job, failed)).hasSuffix("A\n-- 7 bytes more were written, and are not kept\n"))
  }

  @Test func anObjectForEachDeviceAlsoWithoutOutput() throws {
    var report = report(.json)
    _ = report.add(Array("22:00 up\n\u{7}\"".utf8)[...], to: .output, of: job)
    _ = report.add([0xC3, 0x28][...], to: .errors, of: job)
    let line = text(report.end(job, ExecOutcome(state: .ok, status: 0, duration: .milliseconds(1234))))
    #expect(line.hasSuffix("\n"))
    guard case .object(let object) = try JSON(parsing: line) else {
      Issue.record("no object: \(line)")
      return
    }
    #expect(object["name"] == .string("kitchen-pi") && object["state"] == .string("ok"))
    #expect(object["status"] == .integer(0) && object["duration_s"] == .number(1.234))
    #expect(object["stdout"] == .string("22:00 up\n\u{7}\"") && object["stdout_base64"] == nil)
    #expect(object["stderr_base64"] == .string("wyg=") && object["message"] == .null)

    let away = text(report.end(job, ExecOutcome(state: .offline, message: "since yesterday")))
    #expect(
      away
        == #"{"v":1,"name":"kitchen-pi","state":"offline","status":null,"duration_s":0.0,"message":"since yesterday","stdout":"","stderr":""}"#
        + "\n")
  }

  @Test func whatIsKeptEndsWithAWholeCharacter() {
    for (text, kept) in [("é", 0), ("€", 0), ("😀", 0)] as [(String, Int)] {
      for offset in 1..<text.utf8.count {
        var output = CappedOutput()
        output.add([UInt8](repeating: 0x41, count: CappedOutput.limit - offset)[...])
        output.add(Array(text.utf8)[...])
        #expect(
          output.bytes.count == CappedOutput.limit - offset + kept && output.cut == text.utf8.count, "\(text) \(offset)"
        )
        #expect(String(validating: output.bytes, as: UTF8.self) != nil)
      }
    }
    var exact = CappedOutput()
    exact.add([UInt8](repeating: 0x41, count: CappedOutput.limit - 2)[...])
    exact.add(Array("é".utf8)[...])
    #expect(exact.cut == 0 && exact.bytes.count == CappedOutput.limit)
    exact.add(Array("é".utf8)[...])
    #expect(exact.cut == 2 && exact.bytes.count == CappedOutput.limit)
  }

  @Test func theSummaryCountsAndNamesAndDecidesTheStatus() throws {
    func result(_ name: String, _ state: ExecOutcome.State, _ status: Int32? = nil, _ message: String? = nil) throws
      -> (job: ExecJob, outcome: ExecOutcome)
    {
      (
        ExecJob(device: try DeviceName(validating: name), command: "x"),
        ExecOutcome(state: state, status: status, message: message)
      )
    }
    let fine = try (0..<3).map { try result("box-\($0)", .ok, 0) }
    let all = ExecSummary(results: fine, elapsed: .milliseconds(2140))
    #expect(all.lines == ["fleet: 3 devices in 2.1 s: all ok"] && all.exitStatus == .done)
    let away = ExecSummary(
      results: fine + [try result("z", .offline), try result("y", .queued)], elapsed: .seconds(75))
    #expect(away.exitStatus == .deviceOffline)
    #expect(
      away.lines == ["fleet: 5 devices in 1 min 15 s: 3 ok, 1 offline, 1 queued", "  offline: z", "  queued: y"])
    let mixed = ExecSummary(
      results: fine + [
        try result("c", .failed, 3), try result("b", .failed, 3), try result("a", .failed, 127),
        try result("d", .timedOut),
        try result("e", .unreachable, nil, "e does not accept this laptop's key"), try result("f", .offline),
      ], elapsed: .zero)
    #expect(mixed.exitStatus == .failed)
    #expect(
      mixed.lines == [
        "fleet: 9 devices in 0.0 s: 3 ok, 3 failed, 1 offline, 1 timed out, 1 unreachable", "  status 3: b, c",
        "  status 127: a", "  offline: f", "  timed out: d", "  unreachable: e: e does not accept this laptop's key",
      ])
    let many = ExecSummary(results: try (10..<30).map { try result("box-\($0)", .failed, 1) }, elapsed: .zero)
    #expect(many.lines[1].hasSuffix("box-19, and 10 more"))
    #expect(ExecSummary(results: [], elapsed: .zero).exitStatus == .done)
  }
}
