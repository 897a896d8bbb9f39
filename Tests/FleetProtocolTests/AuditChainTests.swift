import FleetProtocol
import Testing

/// The chain of the audit: what an entry's text is, and where a chain is broken.
@Suite struct AuditChainTests {
  private static let time_s: Int64 = 1_767_323_045

  private func entry(_ number: Int64) -> AuditEntry {
    AuditEntry(
      number: number, at: Timestamp(seconds: Self.time_s + number), actor: "alice", action: "disconnect",
      device: "0f3a5c7e9b1d2f40", name: "kitchen-pi", remoteAddress: "192.0.2.1", connection: 1, duration_s: 62,
      bytesToDevice: 4, bytesFromDevice: 5, detail: "number \(number)")
  }

  private func line(_ entry: AuditEntry, after head: AuditHead) -> (bytes: [UInt8], head: AuditHead) {
    let hash = head.hash(ofNext: entry.text)
    return (AuditLine.bytes(text: entry.text, hash: hash), AuditHead(number: entry.number, hash: hash))
  }

  private func chain(_ entries: [AuditEntry], after head: AuditHead = .beginning) -> [[UInt8]] {
    var head = head
    return entries.map { entry in
      let (bytes, next) = line(entry, after: head)
      head = next
      return bytes
    }
  }

  /// What is wrong with lines of which HostA calls `last` the last.
  private func fault(_ lines: [[UInt8]], last: Int64 = 9, check: AuditCheck = AuditCheck()) -> AuditFault? {
    var check = check
    do throws(AuditFault) {
      for line in lines { try check.add(line) }
      try check.end(last: last)
      return nil
    } catch { return error }
  }

  private var whole: [AuditEntry] { (1...9).map(entry) }

  private func head(of line: [UInt8]) throws -> AuditHead {
    let line = try #require(AuditLine(parsing: line))
    return AuditHead(number: line.number, hash: line.hash)
  }

  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func theHashIsThatOfTheStandard(_ message: String, _ hash: String) {
    #expect(SHA256.hexadecimal(Array(message.utf8)) == hash)
  }

  @Test func theTextIsTheDocumentedOne() {
    let rename = AuditEntry(
      number: 1201, at: Timestamp(seconds: Self.time_s), actor: "alice", action: "rename", device: "0f3a5c7e9b1d2f40",
      name: "kitchen-pi", remoteAddress: "203.0.113.7", detail: "to hall-pi")
    #expect(
      String(decoding: rename.text, as: UTF8.self)
        == #"{"n":1201,"at":"2026-01-02T03:04:05Z","actor":"alice","action":"rename","device":"0f3a5c7e9b1d2f40","name":"kitchen-pi","remote_address":"203.0.113.7","detail":"to hall-pi"}"#
    )
    #expect(
      String(decoding: entry(2).text, as: UTF8.self).hasSuffix(
        #""connection":1,"duration_s":62,"bytes_to_device":4,"bytes_from_device":5,"detail":"number 2"}"#))
  }

  @Test func aLineIsReadAsItWasWrittenWhateverStandsInIt() throws {
    var random = SystemRandomNumberGenerator()
    let scalars: [Unicode.Scalar] = ["\"", "\\", "\n", "\0", "\u{7F}", "\u{2028}", "é", "🦊", ",", "}", "a", "\u{1B}"]
    func text() -> String {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...12, using: &random) { text.append(scalars.randomElement(using: &random)!) }
      return String(text)
    }
    func perhaps<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
    func number() -> Int64 { Int64.random(in: .min ... .max, using: &random) }
    for _ in 0..<500 {
      let entry = AuditEntry(
        number: Int64.random(in: 1...Int64.max, using: &random), at: Timestamp(seconds: Self.time_s), actor: text(),
        action: text(), device: perhaps(text()), name: perhaps(text()), remoteAddress: perhaps(text()),
        connection: perhaps(number()), duration_s: perhaps(number()), bytesToDevice: perhaps(number()),
        bytesFromDevice: perhaps(number()), detail: perhaps(text() + #"","hash":"0"}"#))
      let (bytes, head) = line(entry, after: .beginning)
      let line = try #require(AuditLine(parsing: bytes))
      #expect(line.text == entry.text && line.hash == head.hash && line.number == entry.number)
      #expect(try AuditEntry(parsing: bytes) == entry)
      #expect(try AuditEntry(parsing: line.text) == entry)
      #expect(!bytes.contains(0x0A))
    }
  }

  @Test(arguments: [
    "", "{}", #"{"n":1}"#, #"{"n":0,"hash":"\#(AuditHead.beginning.hash)"}"#,
    #"{"n":01,"a":1,"hash":"\#(AuditHead.beginning.hash)"}"#, #"{"n":1,"hash":"\#(AuditHead.beginning.hash)"} "#,
    #"{"n":1,"hash":"\#(AuditHead.beginning.hash.dropLast())G"}"#,
    #"{"n":99999999999999999999,"hash":"\#(AuditHead.beginning.hash)"}"#,
    #"{"at":1,"n":1,"hash":"\#(AuditHead.beginning.hash)"}"#,
  ])
  func whatIsNoLineIsTold(_ text: String) {
    #expect(AuditLine(parsing: Array(text.utf8)) == nil)
    #expect(fault([Array(text.utf8)]) == .unreadable(1))
  }

  @Test func anUnbrokenChainIsFollowed() throws {
    let lines = chain(whole)
    #expect(fault(lines) == nil)
    #expect(fault([], last: 0) == nil, "an audit without an entry")
    let middle = try head(of: lines[4])
    #expect(fault(lines, check: AuditCheck(remembered: middle)) == nil)
    #expect(fault(Array(lines[5...]), check: AuditCheck(after: middle)) == nil)
    #expect(fault(Array(lines[4...]), check: AuditCheck(resumingAt: middle)) == nil)
  }

  @Test func eachMemberOfAnEntryCounts() {
    let edits: [(inout AuditEntry) -> Void] = [
      { $0.at = Timestamp(seconds: 1) }, { $0.actor = "bob" }, { $0.action = "connect" }, { $0.device = nil },
      { $0.name = "attic-pi" }, { $0.remoteAddress = "192.0.2.2" }, { $0.connection = 2 }, { $0.duration_s = nil },
      { $0.bytesToDevice = 3 }, { $0.bytesFromDevice = 6 }, { $0.detail = "number 6" },
    ]
    let lines = chain(whole)
    for position in [0, 4, 8] {
      for edit in edits {
        var (entry, lines) = (whole[position], lines)
        edit(&entry)
        let hash = String(decoding: lines[position].suffix(66).prefix(64), as: UTF8.self)
        lines[position] = AuditLine.bytes(text: entry.text, hash: hash)
        #expect(fault(lines) == .changed(Int64(position) + 1))
      }
    }
  }

  @Test func whatIsDeletedSwappedOrAddedIsFound() {
    func broken(_ change: (inout [[UInt8]]) -> Void) -> AuditFault? {
      var lines = chain(whole)
      change(&lines)
      return fault(lines)
    }
    #expect(broken { $0.removeFirst() } == .missing(1, 1))
    #expect(broken { $0.removeSubrange(3...5) } == .missing(4, 6))
    #expect(broken { $0.removeLast() } == .missing(9, 9))
    #expect(broken { $0.swapAt(3, 4) } == .missing(4, 4))
    #expect(broken { $0.insert($0[3], at: 4) } == .misplaced(4, expected: 5))
    #expect(broken { $0.insert($0[8], at: 0) } == .missing(1, 8))
    // Numbers that close the gap change what is hashed.
    #expect(
      broken { lines in
        lines.removeSubrange(3...)
        lines += whole[4...].map { entry in
          var entry = entry
          entry.number -= 1
          return AuditLine.bytes(text: entry.text, hash: AuditHead.beginning.hash)
        }
      } == .changed(4))
  }

  @Test func aChainThatWasMadeAnewIsFoundByWhoRemembers() throws {
    let old = chain(whole)
    var entries = whole
    entries[3].actor = "mallory"
    let new = chain(entries)
    #expect(fault(new) == nil, "it has no fault in itself")
    for position in 3...8 {
      let remembered = try head(of: old[position])
      #expect(fault(new, check: AuditCheck(remembered: remembered)) == .rewritten(remembered.number))
      #expect(
        fault(Array(new[position...]), check: AuditCheck(resumingAt: remembered)) == .rewritten(remembered.number))
    }
    let before = try head(of: old[2])
    #expect(fault(new, check: AuditCheck(remembered: before)) == nil, "what came later was not seen")
  }

  @Test func anEndThatWasCutOffIsFoundByWhoRemembers() throws {
    let lines = chain(whole)
    let remembered = try head(of: lines[8])
    for left in 0...8 {
      let cut = Array(lines[..<left])
      #expect(fault(cut, last: Int64(left)) == nil)
      #expect(
        fault(cut, last: Int64(left), check: AuditCheck(remembered: remembered))
          == .shortened(Int64(left), remembered: 9))
    }
    #expect(fault([], last: 5, check: AuditCheck(resumingAt: remembered)) == .shortened(8, remembered: 9))
  }

  @Test func behindAFaultTheChainCanBeFollowedAgain() throws {
    var lines = chain(whole)
    lines[2][20] ^= 1
    lines[5] = Array("garbage".utf8)
    var check = AuditCheck()
    var faults: [AuditFault] = []
    for line in lines {
      do throws(AuditFault) { try check.add(line) } catch {
        faults.append(error)
        check.pass(line)
      }
    }
    #expect(faults == [.changed(3), .unreadable(6)])
    #expect(try check.start == head(of: lines[6]) && check.head == head(of: lines[8]))
  }

  @Test func whatIsWrongIsOneSentence() {
    let then = Timestamp(seconds: Self.time_s)
    #expect(AuditFault.changed(5).sentence(rotated: 4) == "entry 5 was changed")
    #expect(AuditFault.changed(5).sentence(rotated: 5) == "entry 5 was changed, in the files of HostA's folder 'audit'")
    #expect(AuditFault.missing(5, 7).sentence(rotated: 0) == "entries 5 to 7 are missing")
    #expect(
      AuditFault.shortened(5, remembered: 7).sentence(rotated: 0, looked: then)
        == "the log ends at entry 5 and went to 7 when this laptop looked last (2026-01-02T03:04:05Z)")
  }

  @Test func theRequestIsReadAsItIsWritten() throws {
    let body = AuditLinesBody(after: 12, limit: 7)
    #expect(try AuditLinesBody(parsing: body.line.utf8) == body)
    for wrong in [
      #"{"v":1,"after":-1,"limit":1}"#, #"{"v":1,"after":0}"#, #"{"v":1,"after":0,"limit":10001}"#,
      #"{"v":1,"after":9223372036854775807,"limit":1}"#,
    ] { #expect(throws: JSONError.self) { try AuditLinesBody(parsing: wrong.utf8) } }
    let page = AuditPage(lines: chain(whole), last: 9, rotated: 2)
    #expect(try AuditPage(page.fields, lines: page.lines) == page)
    #expect(throws: JSONError.self) { try AuditPage(page.fields, lines: Array(page.lines.dropLast())) }
  }
}
