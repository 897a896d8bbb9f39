import FleetProtocol
import Testing

@testable import fleet

/// What `fleet list --watch` and `fleet wait` make of one look after the other.
@Suite struct WatchTests {
  private func device(
    _ name: String, _ id: Int, _ state: DeviceState = .online, note: String? = nil, rtt_ms: Double = 1
  ) -> DeviceStatus {
    Sample.device(name, id: "000000000000000\(id)", state: state, note: note, rtt_ms: rtt_ms)
  }

  private func lines(_ changes: [DeviceWatch.Change]) -> [String] {
    changes.map { String($0.line(at: Sample.now).dropFirst("2026-01-02T03:04:25Z  ".count).dropLast()) }
  }

  @Test func eachChangeIsTold() {
    var watch = DeviceWatch()
    let isShown: (DeviceStatus) -> Bool = { $0.state != .offline }
    let first = watch.look(
      at: [device("b", 2), device("a", 1), device("c", 3, .offline)], now: Sample.now, showing: isShown)
    #expect(lines(first) == ["a  online", "b  online"])
    #expect(watch.marked(now: Sample.now).isEmpty, "at the first look nothing has changed")

    let nothing = watch.look(
      at: [device("a", 1, rtt_ms: 2), device("b", 2), device("c", 3, .offline)], now: Sample.now, showing: isShown)
    #expect(nothing.isEmpty && watch.devices.count == 2)

    let later = Timestamp(seconds: Sample.now.seconds + 5)
    let second = watch.look(
      at: [device("a", 1, .offline), device("hall", 2), device("c", 3, note: "ssh down\u{7}")], now: later,
      showing: isShown)
    #expect(lines(second) == ["a  offline (was online)", "c  online: ssh down\\u{7}", "hall  online (renamed from b)"])
    #expect(watch.marked(now: later).count == 3)
    #expect(watch.marked(now: Timestamp(seconds: later.seconds + DeviceWatch.markedFor_s)).isEmpty)

    #expect(lines(watch.look(at: [device("a", 1)], now: later, showing: isShown)).contains("c  removed (was online)"))
    #expect(watch.devices.map(\.name.rawValue) == ["a"])
  }

  @Test func aChangeAsJSON() throws {
    let change = DeviceWatch.Change(name: Sample.kitchen, before: device("kitchen-pi", 1, .stale), after: nil)
    #expect(
      change.json(at: Sample.now)
        == #"{"v":1,"at":"2026-01-02T03:04:25Z","name":"kitchen-pi","was":"stale","device":null}"# + "\n")
  }

  @Test func aPictureIsDrawnOverTheOneBefore() {
    var screen = WatchScreen()
    let size = TerminalSize(rows: 4, columns: 10)
    #expect(screen.picture(["a", "b"], footer: "end", size: size) == "\ra\u{1B}[K\nb\u{1B}[K\nend\u{1B}[K\u{1B}[J")
    #expect(screen.picture(["a"], footer: "end", size: size) == "\r\u{1B}[2Aa\u{1B}[K\nend\u{1B}[K\u{1B}[J")
    let many = screen.picture(["1", "2", "3", "4", "5"], footer: "a footer that is long", size: size)
    #expect(
      many == "\r\u{1B}[1A1\u{1B}[K\n2\u{1B}[K\n… and 3 more\u{1B}[K\na footer …\u{1B}[K\u{1B}[J")
    #expect(screen.wipe() == "\u{1B}[H\u{1B}[2J" && screen.picture([], footer: "x", size: size).hasPrefix("\rx"))
  }

  @Test func aMarkedRowHasAStar() {
    let changed = device("a", 1)
    let table = DeviceTable(marked: [changed.id])
    let text = table.text([changed, device("b", 2)], now: Sample.now, style: TerminalStyle(hasColor: false))
    let rows = text.split(separator: "\n")
    #expect(rows[0].hasPrefix("   NAME") && rows[1].hasPrefix("*  a  ") && rows[2].hasPrefix("   b  "))
  }

  @Test func allMustBeThereAtOnce() throws {
    let names = try DeviceNames.parse(["a", "b"])
    var wait = DeviceWait(for: names, to: .online)
    #expect(wait.announcement == "waiting for a, b to be online")
    #expect(wait.look(at: [device("a", 1), device("b", 2, .offline)]) == ["a is online"])
    #expect(wait.look(at: [device("a", 1), device("b", 2, .stale)]).isEmpty && wait.missing == [names[1]])
    #expect(wait.look(at: [device("a", 1, .offline), device("b", 2)]) == ["a is offline again", "b is online"])
    let refusal = wait.timeout(after: try Lifetime(parsing: "90s"))
    #expect(refusal.code == .deviceOffline && refusal.message == "a is not online after 1 min 30 s")
    #expect(wait.look(at: [device("a", 1, .duplicate), device("b", 2, .unknown)]) == ["a is duplicate"])
    #expect(wait.missing.isEmpty)

    var away = DeviceWait(for: names, to: .offline)
    #expect(
      away.look(at: [device("a", 1, .offline), device("b", 2)]) == ["a is offline"] && away.missing == [names[1]])
  }

  @Test func pausesGrowAndStayShort() {
    let pauses = (0..<12).map(DeviceWait.pause_s)
    #expect(pauses == pauses.sorted() && pauses[0] == 0.25 && pauses.last == 5)
  }
}
