import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct DeviceListTests {
  private func list(_ text: String) throws(Refusal) -> DeviceList { try DeviceList(parsing: Array(text.utf8)) }

  @Test func rowsWithAndWithoutAHeading() throws {
    let plain = try list("kiosk-1,pi,site=berlin;kind=kiosk\nkiosk-2\n")
    #expect(plain.rows.map(\.name.rawValue) == ["kiosk-1", "kiosk-2"] && plain.rows.map(\.number) == [1, 2])
    #expect(plain.rows[0].tags == ["site": "berlin", "kind": "kiosk"] && plain.rows[0].user == Sample.pi)
    #expect(plain.rows[1].user == nil && plain.rows[1].tags.isEmpty)
    let turned = try list(" Tags , NAME\n\"a=x, y\",kiosk-1\n,kiosk-2\n")
    #expect(turned.rows.map(\.name.rawValue) == ["kiosk-1", "kiosk-2"] && turned.rows[0].tags == ["a": "x, y"])
    #expect(turned.rows.map(\.number) == [2, 3])
  }

  /// What spreadsheets write: a byte order mark, CRLF, quotes that nobody needs, a blank row, no end of the last line.
  @Test func whatSpreadsheetsWrite() throws {
    let rows = try list("\u{FEFF}name,user,tags\r\n\"kiosk-1\",\"pi\",\"note=say \"\"hi\"\"\"\r\n\r\nkiosk-2,pi,").rows
    #expect(rows.map(\.number) == [2, 4] && rows[0].tags == ["note": "say \"hi\""])
    #expect(try list("a\rb\r").rows.map(\.name.rawValue) == ["a", "b"])
    #expect(try CSV.rows(in: Array("a,\"b\nc\"\nd".utf8)).map(\.fields) == [["a", "b\nc"], ["d"]])
    #expect(try CSV.rows(in: Array("a,\n".utf8)).map(\.fields) == [["a", ""]])
  }

  @Test func aFieldIsReadAsItWasWritten() throws {
    let fields = ["plain", "a,b", "say \"hi\"", "two\r\nlines", ""]
    #expect(try CSV.rows(in: Array(CSV.line(fields).utf8)) == [CSV.Row(number: 1, fields: fields)])
  }

  @Test func aBadNameInRow300IsNamedAndNothingElse() {
    var text = "name,user,tags\n"
    for number in 2..<500 { text += number == 300 ? "Kiosk 300,pi,\n" : "kiosk-\(number),pi,\n" }
    let refusal = #expect(throws: Refusal.self) { try list(text) }
    #expect(refusal?.message == "row 300: 'Kiosk 300' is not a device name")
    #expect(refusal?.code.exitStatus == .usage && refusal?.hint?.hasSuffix("nothing was done") == true)
  }

  @Test(
    arguments: [
      ("", "no rows"), ("\n\n", "no rows"), ("\u{FEFF}", "no rows"), ("name,user,tags\n", "names no device"),
      ("a\nb\na\n", "row 3: a stands in row 1 already"), ("user,tags\npi,\n", "'name' is missing"),
      ("name,name\na,b\n", "twice"), ("name,comment\na,b\n", "'comment' is not known"),
      ("name;user\na;pi\n", "has no comma"), ("a,pi,x=1,y=2\n", "row 1: 4 fields for 3 columns"),
      ("a,-x\n", "row 1: '-x' is not a login name"), ("a,pi,site\n", "row 1: 'site' is not a tag: it has no"),
      ("a,pi,X=1\n", "row 1: 'X=1' is not a tag: a tag's key"), ("a,pi,x=1;x=2\n", "row 1: the tag 'x' is given twice"),
      ("A\nb\nC\nD\n", "row 1: 'A' is not a device name, and 2 more rows are wrong"),
      ("a\n\"b\n", "row 2 has a quote that is never closed"), ("a\n\"b\"c\n", "row 2 has text behind a closing quote"),
      ("a\nb\"c\n", "row 2 has a quote inside"), (",pi\n", "row 1: '' is not a device name"),
    ])
  func whatIsWrongIsNamedWithItsRow(_ text: String, _ message: String) {
    let refusal = #expect(throws: Refusal.self) { try list(text) }
    #expect(refusal?.message.contains(message) == true, "\(refusal?.message ?? "")")
    #expect(refusal?.code.exitStatus == .usage)
  }

  @Test func otherEncodingsAreNamed() {
    let utf16 = #expect(throws: Refusal.self) { try DeviceList(parsing: [0xFF, 0xFE, 0x61, 0]) }
    #expect(utf16?.message == "the file is in UTF-16")
    let latin1 = #expect(throws: Refusal.self) { try DeviceList(parsing: Array("a\nb,pi,x=".utf8) + [0xE9, 0x0A]) }
    #expect(latin1?.message == "row 2 is not UTF-8")
  }

  @Test func theResultFileTellsEveryRow() throws {
    var results = ProvisionResults(try list("a\nb\nc\nd\n").rows)
    func name(_ text: String) throws -> DeviceName { try DeviceName(validating: text) }
    results.set(.done(TCPPort(20007)!, wasThere: false), for: try name("a"))
    results.set(.done(TCPPort(20008)!, wasThere: true), for: try name("b"))
    results.set(.refused("no, never"), for: try name("c"))
    #expect(results.settled == 3)
    #expect(try results.outcome(of: name("d")) == .waiting)
    #expect(results.summary == "4 rows: 1 made, 1 done already, 1 refused, 1 not begun")
    #expect(
      results.csv.components(separatedBy: "\r\n") == [
        "row,name,state,port,file,message", "1,a,done,20007,a.tar.gz,", "2,b,done,20008,b.tar.gz,done already",
        "3,c,refused,,,\"no, never\"", "4,d,waiting,,,", "",
      ])
  }

  @Test func progressIsGuessedFromWhatWasDone() {
    #expect(ProgressBar.text(done: 0, from: 0, of: 10, elapsed_s: 0, width: 10) == "[          ] 0 of 10")
    #expect(ProgressBar.text(done: 5, from: 0, of: 10, elapsed_s: 3, width: 10) == "[#####     ] 5 of 10, 3 s left")
    #expect(ProgressBar.text(done: 6, from: 5, of: 10, elapsed_s: 1, width: 10) == "[######    ] 6 of 10, 4 s left")
    #expect(ProgressBar.text(done: 10, from: 0, of: 10, elapsed_s: 9, width: 10) == "[##########] 10 of 10")
  }

  @Test(
    arguments: [("45s", 45), ("90m", 5400), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)] as [(String, Int64)]
  )
  func lifetimes(_ text: String, _ seconds: Int64) throws { #expect(try Lifetime(parsing: text).seconds == seconds) }

  @Test(arguments: [
    "", "d", "30", "0d", "-1d", "1.5h", " 1d", "1y", "11000d", "99999999999999999999d", "9999999999999999w",
  ])
  func noLifetimes(_ text: String) {
    #expect(throws: Refusal.self) { try Lifetime(parsing: text) }
  }
}
