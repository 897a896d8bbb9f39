import FleetProtocol
import Testing

@testable import fleet

@Suite struct ListingTests {
  private let plain = TerminalStyle(hasColor: false)

  @Test func columnsAreAligned() {
    let devices = [
      Sample.device("kitchen-pi", tags: ["site": "berlin", "old": ""]),
      Sample.device("attic", state: .offline, lastSeen_s: nil, rtt_ms: nil),
    ]
    #expect(
      DeviceTable().text(DeviceSort.byName.sorted(devices), now: Sample.now, style: plain) == """
        NAME        STATE    LATENCY  LAST SEEN   PORT  USER  TAGS
        attic       offline        -  never      20007  pi    -
        kitchen-pi  online     23 ms  20 s ago   20007  pi    old site=berlin

        """)
  }

  @Test func aNoteOpensAColumnAndIsEscaped() {
    let text = DeviceTable().text([Sample.device(note: "ssh down\u{1B}[2J")], now: Sample.now, style: plain)
    #expect(text.contains("NOTE") && text.contains("ssh down\\u{1b}[2J"))
  }

  @Test func colourChangesNothingButColour() {
    let devices = DeviceState.allCases.map { Sample.device("x-\($0.rawValue)", state: $0) }
    let colored = DeviceTable().text(devices, now: Sample.now, style: TerminalStyle(hasColor: true))
    #expect(colored.contains("\u{1B}[32monline") && colored.contains("\u{1B}[31moffline"))
    let bare = colored.replacing(/\u{1B}\[[0-9]*m/, with: "")
    #expect(bare == DeviceTable().text(devices, now: Sample.now, style: plain))
  }

  @Test func wideCharactersTakeTwoColumns() {
    #expect(DisplayWidth.of("abc") == 3 && DisplayWidth.of("台所") == 4 && DisplayWidth.of("e\u{301}") == 1)
    #expect(DisplayWidth.padded("台", to: 4) == "台  " && DisplayWidth.padded("a", to: 3, alignedRight: true) == "  a")
    #expect(DisplayWidth.padded("abc", to: 1) == "abc")
  }

  @Test(
    arguments: [
      (0, "just now"), (-5, "just now"), (59, "59 s ago"), (60, "1 min ago"), (3599, "59 min ago"), (3600, "1 h ago"),
      (86_400, "1 d ago"), (29 * 86_400, "29 d ago"), (31 * 86_400, "2025-12-02"),
    ] as [(Int64, String)])
  func relativeTimes(age_s: Int64, text: String) {
    #expect(RelativeTime.text(Timestamp(seconds: Sample.now.seconds - age_s), now: Sample.now) == text)
  }

  @Test func latencies() {
    #expect(DeviceTable.latency(0.04) == "0.0 ms" && DeviceTable.latency(9.96) == "10.0 ms")
    #expect(DeviceTable.latency(23.5) == "24 ms" && DeviceTable.latency(nil) == "-")
    #expect(DeviceTable.latency(.infinity) == "-" && DeviceTable.latency(-1) == "-")
  }

  @Test func onlyOfflineDevicesAreHidden() {
    let devices = DeviceState.allCases.map { Sample.device("x-\($0.rawValue)", state: $0) }
    let selection = DeviceSelection(devices, all: false)
    #expect(selection.shown.count == DeviceState.allCases.count - 1 && selection.hiddenCount == 1)
    #expect(selection.remarks == ["1 device is offline; fleet list --all"])
    #expect(DeviceSelection(devices, all: true).remarks.isEmpty)
  }

  @Test func whereBoxesWaitNobodyIsToldToProvisionTheFirstDevice() {
    let waits = "2 boxes wait for approval; fleet list --pending"
    #expect(
      DeviceSelection([], all: false).remarks == ["no device yet; the first one: fleet provision NAME --to USER@BOX"])
    #expect(DeviceSelection([], all: false, waiting: 2).remarks == [waits])
    #expect(DeviceSelection([], all: true, waiting: 2).remarks == [waits])
    let offline = [Sample.device(state: .offline)]
    #expect(
      DeviceSelection(offline, all: false, waiting: 2).remarks == [
        "no device is online, 1 device is offline; fleet list --all", waits,
      ])
  }

  @Test func jsonIsWhatScriptsRelyOn() throws {
    let json = try JSON(parsing: DeviceSelection([Sample.device(tags: ["a": "b"])], all: false).json())
    guard case .object(let object) = json, case .array(let devices)? = object["devices"],
      case .object(let device)? = devices.first
    else { throw JSONError("no devices") }
    #expect(object["v"] == .integer(1))
    for name in ["name", "port", "state", "last_seen", "rtt_ms", "user", "tags", "agent_version"] {
      #expect(device[name] != nil, "\(name)")
    }
    #expect(device["last_seen"] == .string("2026-01-02T03:04:05Z"))
  }

  @Test func detailsShowFactsEscaped() {
    let device = Sample.device(note: "ssh down", facts: ["os": "x\u{202E}y"])
    let text = DeviceDetails.text(ShowReply(device: device, outages: []), now: Sample.now, style: plain)
    #expect(!text.contains("outage"))
    #expect(text.contains("online, ssh down") && text.contains("x\\u{202e}y"))
    #expect(text.contains("20 s ago (2026-01-02T03:04:05Z)"))
    #expect(text.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
  }

  @Test(
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.2 kB"), (999_999, "999.9 kB"), (1_000_000, "1.0 MB"),
      (67_108_864, "67.1 MB"), (Int64.max, "9223.3 PB"),
    ] as [(Int64, String)])
  func byteCounts(count: Int64, text: String) { #expect(DeviceDetails.bytes(count) == text) }

  @Test func outagesAreToldWithTheirLength() throws {
    let now_s = Sample.now.seconds
    let outages = [
      Outage(from: Timestamp(seconds: now_s - 14), to: nil),
      Outage(from: Timestamp(seconds: now_s - 400), to: Timestamp(seconds: now_s - 215)),
    ]
    let reply = ShowReply(device: Sample.device(), outages: outages)
    let lines = DeviceDetails.text(reply, now: Sample.now, style: plain).split(separator: "\n")
    #expect(lines[lines.count - 2] == "last outages   14 s until now, since 2026-01-02T03:04:11Z")
    #expect(lines[lines.count - 1] == "               3 min 5 s, from 2026-01-02T02:57:45Z to 2026-01-02T03:00:50Z")
    #expect(try ShowReply(reply.fields) == reply)
    #expect(reply.object["name"] == .string("kitchen-pi") && reply.object["outages"] != nil)
  }

  @Test(
    arguments: [
      (0, "0 s"), (59, "59 s"), (60, "1 min"), (185, "3 min 5 s"), (7200, "2 h"), (7260, "2 h 1 min"),
      (9 * 86_400 + 4 * 3600 + 59, "9 d 4 h"),
    ] as [(Int64, String)])
  func lengths(seconds: Int64, text: String) { #expect(RelativeTime.length(seconds) == text) }
}
