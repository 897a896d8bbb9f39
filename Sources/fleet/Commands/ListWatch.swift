import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `fleet list --watch`: asks again and again, and shows what has changed.
struct ListWatch {
  let hostA: HostRequest
  let selector: DeviceSelector
  let all: Bool
  let order: DeviceSort
  let period_s: Int
  let isJSON: Bool

  /// Ends with Ctrl-C, or with what HostA refuses; while HostA does not answer it goes on asking.
  func run() throws(Refusal) {
    let isScreen =
      !isJSON && LaptopEnvironment.isTerminal(STDOUT_FILENO) && LaptopEnvironment.variable("TERM") != "dumb"
    var watch = DeviceWatch()
    // Whoever mistypes a name is told so at once, before anything is drawn.
    var answer = try hostA.selectExisting(asked)
    if isScreen { return try draw(&watch, first: answer) }
    while true {
      for change in watch.look(at: answer.devices, now: answer.now, showing: fits) {
        try StandardStreams.print(isJSON ? change.json(at: answer.now) : change.line(at: answer.now))
      }
      answer = try nextAnswer()
    }
  }

  /// What HostA is asked for: a device whose state no longer fits must still be told, to be seen leaving.
  private var asked: DeviceSelector { selector.withoutState }

  private func fits(_ device: DeviceStatus) -> Bool {
    !DeviceSelection([device], selector: selector, all: all).shown.isEmpty
  }

  /// Says once why HostA does not answer, and goes on asking.
  private func nextAnswer() throws(Refusal) -> (devices: [DeviceStatus], now: Timestamp, waiting: Int64) {
    var hasComplained = false
    while true {
      sleep(UInt32(period_s))
      do throws(Refusal) { return try hostA.select(asked) } catch {
        guard error.code == .hostUnreachable else { throw error }
        if !hasComplained { StandardStreams.show(error) }
        hasComplained = true
      }
    }
  }

  private func draw(
    _ watch: inout DeviceWatch, first: (devices: [DeviceStatus], now: Timestamp, waiting: Int64)
  ) throws(Refusal) {
    let style = TerminalStyle(hasColor: LaptopEnvironment.wantsColor())
    let terminal = try RawTerminal()
    defer { terminal.restore() }
    var screen = WatchScreen()
    var now = first.now
    var complaint: Refusal?
    _ = watch.look(at: first.devices, now: now, showing: fits)
    while true {
      let size = LaptopEnvironment.terminalSize() ?? TerminalSize(rows: 24, columns: 80)
      let table = DeviceTable(width: size.columns, isLastKnown: complaint != nil, marked: watch.marked(now: now))
      let lines = table.text(order.sorted(watch.devices), now: now, style: style).split(separator: "\n").map(
        String.init)
      try StandardStreams.print(
        screen.picture(lines, footer: footer(watch, now: now, complaint: complaint), size: size))
      switch terminal.wait(Double(period_s)) {
      case .timeIsOver:
        do throws(Refusal) {
          let answer = try hostA.select(asked)
          (now, complaint) = (answer.now, nil)
          _ = watch.look(at: answer.devices, now: now, showing: fits)
        } catch {
          // Ctrl-C ends the ssh that is at work, too.
          if let number = terminal.endingSignal { terminal.end(by: number) }
          guard error.code == .hostUnreachable else { throw error }
          complaint = error
        }
      case .key(UInt8(ascii: "q")): return
      case .key: break
      case .resized: try StandardStreams.print(screen.wipe())
      case .suspended:
        terminal.suspend()
        screen = WatchScreen()
      case .ended(let number): terminal.end(by: number)
      }
    }
  }

  private func footer(_ watch: DeviceWatch, now: Timestamp, complaint: Refusal?) -> String {
    if let complaint { return "as of \(now): \(complaint.message)" }
    let online = watch.devices.count { $0.state == .online }
    return "\(now)  \(online) of \(watch.devices.count) online; * just changed; every \(period_s) s; q ends"
  }
}
