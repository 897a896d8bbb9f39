import FleetProtocol
import Testing

@testable import fleet

/// Which devices `fleet list` shows, in which order, in which form.
@Suite struct ListOptionTests {
  private let plain = TerminalStyle(hasColor: false)

  private func names(_ words: [String], all: Bool = false) throws -> [String] {
    let devices = [
      Sample.device("attic", state: .offline, tags: ["old": ""]),
      Sample.device("hall-1", state: .offline), Sample.device("hall-2", state: .stale, tags: ["site": "berlin"]),
      Sample.device("kitchen-pi", tags: ["site": "berlin"]),
    ]
    return DeviceSelection(devices, selector: try DeviceSelector(words), all: all).shown.map(\.name.rawValue)
  }

  @Test func offlineDevicesAreShownWhereTheyAreMeant() throws {
    #expect(try names([]) == ["hall-2", "kitchen-pi"])
    #expect(try names(["*"]) == ["hall-2", "kitchen-pi"])
    #expect(try names(["*"], all: true).count == 4)
    #expect(try names(["hall-*"]) == ["hall-2"])
    #expect(try names(["state=offline"]) == ["attic", "hall-1"])
    #expect(try names(["state=offline,stale", "!tag=old"]) == ["hall-1", "hall-2"])
    #expect(try names(["attic"]) == ["attic"])
    #expect(try names(["attic", "hall-*"]) == ["attic", "hall-2"])
    #expect(try names(["tag=site:ber*", "!kitchen-pi"]) == ["hall-2"])
    #expect(try DeviceSelector(["attic", "hall-*", "!x", "tag=a"]).namesInFull.map(\.rawValue) == ["attic"])
    #expect(try DeviceSelector(["hall-*", "state=online", "!state=stale"]).withoutState.description == "hall-*")
  }

  @Test func remarksOfASelection() throws {
    let offline = [Sample.device(state: .offline)]
    func remarks(_ devices: [DeviceStatus], _ words: String...) throws -> [String] {
      DeviceSelection(devices, selector: try DeviceSelector(words), all: false).remarks
    }
    #expect(try remarks(offline, "k*") == ["no device is online, 1 device is offline; --all shows it"])
    #expect(try remarks(offline, "x*", "tag=y") == ["no device fits x* tag=y"])
    #expect(try remarks(offline, "state=offline").isEmpty)
  }

  @Test(arguments: [
    ("name", "a b c d"), ("-name", "d c b a"), ("state", "a c b d"), ("state,-name", "c a b d"),
    ("latency", "c a b d"), ("-latency", "b a c d"), ("last-seen", "b a c d"), ("-last_seen", "c a b d"),
    ("tag:rack", "b a c d"), ("-tag:rack", "c a b d"), ("port,name", "a b c d"),
  ])
  func devicesAreSorted(fields: String, order: String) throws {
    let devices = [
      Sample.device("d", state: .offline, lastSeen_s: nil, rtt_ms: nil),
      Sample.device("c", tags: ["rack": "x"], lastSeen_s: 1, rtt_ms: 9),
      Sample.device("b", state: .stale, tags: ["rack": "9"], lastSeen_s: 300, rtt_ms: 100),
      Sample.device("a", tags: ["rack": "10"], rtt_ms: 23),
    ]
    let sorted = try DeviceSort(parsing: fields).sorted(devices)
    #expect(sorted.map(\.name.rawValue).joined(separator: " ") == order)
  }

  @Test(arguments: ["", "nonsense", "name,", "tag", "tag:", "--name", "fact"])
  func whatIsNoFieldIsRefusedWithTheFields(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try DeviceSort(parsing: text) }
    #expect(refusal?.code == .usage && refusal?.hint?.contains("last_seen") == true)
  }

  @Test func fieldsAreWrittenAsAFormatSays() throws {
    let device = Sample.device(
      note: "a\u{1B}[2Jb", tags: ["site": "x\ny", "old": ""], facts: ["os": "Debian \u{202E}12"])
    func line(_ format: String) throws -> String { try DeviceFormat(parsing: format).line(device) }
    #expect(try line("{name} {state} {rtt_ms} {port} {user}") == "kitchen-pi online 23.4 20007 pi\n")
    #expect(try line(#"{last-seen}\t{enrolled}\\{tag:old}|{tag:none}"#) == "2026-01-02T03:04:05Z\ttrue\\|\n")
    #expect(try line(#"{{{name}}}\n"#) == "{kitchen-pi}\n\n")
    #expect(try line("{note}{tag:site}") == "a\\u{1b}[2Jbx\\u{a}y\n")
    #expect(try line("{fact:os}") == "Debian \\u{202e}12\n")
    #expect(try line("{tags}") == "old site=x\\u{a}y\n")
    #expect(try line("{address} {agent_version} {id} {expires}") == "203.0.113.9 0.1.0 0f3a5c7e9b1d2f40 \n")
    for wrong in ["{name", "name}", "{}", "{nme}", #"\x"#, #"\"#, "{tag}"] {
      let refusal = #expect(throws: Refusal.self, "\(wrong)") { try DeviceFormat(parsing: wrong) }
      #expect(refusal?.code == .usage && refusal?.hint != nil)
    }
  }

  @Test func aNarrowTerminalCutsTagsAndThenLeavesColumnsOut() {
    let device = Sample.device(
      "a-device-with-a-longer-name", note: "ssh down on the device", tags: ["site": "berlin", "floor": "basement"])
    func lines(_ width: Int?) -> [String] {
      DeviceTable(width: width).text([device], now: Sample.now, style: plain).split(separator: "\n").map(String.init)
    }
    #expect(lines(200) == lines(nil))
    for width in 16...130 { #expect(lines(width).allSatisfy { DisplayWidth.of($0) <= width }, "\(width)") }
    #expect(lines(115)[1].contains("floor=basement site=…") && lines(115)[1].contains("20007"))
    // In the order that --help says.
    var left: [String] = []
    for width in stride(from: 130, through: 16, by: -1) {
      for heading in ["LATENCY", "LAST SEEN", "PORT", "USER", "TAGS", "NOTE"] {
        if !lines(width)[0].contains(heading), !left.contains(heading) { left.append(heading) }
      }
    }
    #expect(left == ["PORT", "USER", "TAGS", "LATENCY", "NOTE", "LAST SEEN"])
    #expect(lines(16) == ["NAME      STATE", "a-devic…  online"])
  }

  @Test func anOrdinaryRowFitsEightyColumns() {
    let device = Sample.device("kitchen-pi", tags: ["site": "berlin", "rack": "7"])
    let text = DeviceTable().text([device], now: Sample.now, style: plain)
    #expect(text.split(separator: "\n").allSatisfy { DisplayWidth.of($0) <= 80 })
    #expect(DeviceTable(width: 80).text([device], now: Sample.now, style: plain) == text)
  }

  @Test func cutTextFits() {
    #expect(DisplayWidth.cut("abc", to: 3) == "abc" && DisplayWidth.cut("abcd", to: 3) == "ab…")
    #expect(DisplayWidth.cut("台所台", to: 4) == "台…" && DisplayWidth.cut("e\u{301}bc", to: 2) == "e\u{301}…")
  }

  @Test func headingsCanBeLeftOutAndLastKnownStatesSaySo() {
    let devices = [Sample.device()]
    #expect(
      DeviceTable(hasHeadings: false).text(devices, now: Sample.now, style: plain)
        == "kitchen-pi  online  23 ms  20 s ago  20007  pi  -\n")
    #expect(
      DeviceTable(isLastKnown: true).text(devices, now: Sample.now, style: plain) == """
        NAME        STATE       LAST SEEN   PORT  USER  TAGS
        kitchen-pi  was online  20 s ago   20007  pi    -

        """)
  }

  @Test func aPagerIsForTerminalsThatAreTooShort() {
    let screen = TerminalSize(rows: 24, columns: 80)
    func choice(_ lines: Int, _ pager: String? = nil, screen: TerminalSize? = screen, wanted: Bool = true)
      -> PagerChoice
    {
      PagerChoice(lines: lines, screen: screen, pager: pager, isWanted: wanted)
    }
    #expect(choice(23) == .none && choice(24) == .less && choice(10_001, "more -s") == .command("more -s"))
    #expect(choice(10_001, screen: nil) == .none && choice(10_001, wanted: false) == .none)
    #expect(choice(10_001, "cat") == .none && choice(10_001, "") == .none)
  }
}
