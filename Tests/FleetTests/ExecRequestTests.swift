import FleetProtocol
import Testing

@testable import fleet

/// What `fleet exec` understands, and what it makes of ssh's end.
@Suite struct ExecRequestTests {
  private func request(_ change: (inout ExecRequest.Words) -> Void) throws(Refusal) -> ExecRequest {
    var words = ExecRequest.Words()
    change(&words)
    return try ExecRequest(words)
  }

  @Test func aSelectorAndACommand() throws {
    let plain = try request { ($0.selector, $0.command) = (["kitchen-*", "!tag=old"], ["df", "-P", "/"]) }
    #expect(plain.command == "df -P /" && plain.queueing == nil)
    #expect(try plain.devices == .selected(DeviceSelector(["kitchen-*", "!tag=old"])))
    let all = try request { ($0.all, $0.command) = (true, ["a  b", ""]) }
    #expect(try all.devices == .selected(DeviceSelector([])) && all.command == "a  b ")
    let queue = try request { ($0.all, $0.command, $0.queue) = (true, ["true"], true) }
    #expect(queue.queueing?.seconds == 604_800)
    #expect(try request { $0.retryFailed = true }.command == nil)
    #expect(try request { ($0.retryFailed, $0.command) = (true, ["true"]) }.devices == .failedLastTime)
    #expect(try request { ($0.resume, $0.wait) = (true, true) }.devices == .queued)
  }

  @Test func whatMakesNoSenseIsRefusedBeforeAnythingIsAsked() {
    let wrong: [(inout ExecRequest.Words) -> Void] = [
      { $0.command = ["true"] },
      { $0.selector = ["a"] },
      { ($0.selector, $0.command) = (["a"], [" ", ""]) },
      { ($0.selector, $0.all, $0.command) = (["a"], true, ["true"]) },
      { ($0.selector, $0.command) = (["A b"], ["true"]) },
      { ($0.retryFailed, $0.resume) = (true, true) },
      { ($0.retryFailed, $0.selector) = (true, ["a"]) },
      { ($0.resume, $0.command) = (true, ["true"]) },
      { ($0.resume, $0.queue) = (true, true) },
      { ($0.all, $0.command, $0.wait) = (true, ["true"], true) },
      { ($0.all, $0.command, $0.anyLaptop) = (true, ["true"], true) },
      { ($0.all, $0.command, $0.expires) = (true, ["true"], "1d") },
      { ($0.all, $0.command, $0.queue, $0.expires) = (true, ["true"], true, "soon") },
      { ($0.all, $0.command, $0.queue, $0.expires) = (true, ["true"], true, "60w") },
      { ($0.all, $0.command, $0.queue, $0.stdin) = (true, ["true"], true, true) },
      { ($0.all, $0.command) = (true, ["a\0b"]) },
      { ($0.all, $0.command, $0.queue) = (true, [String(repeating: "x", count: 8193)], true) },
    ]
    for (number, change) in wrong.enumerated() {
      do throws(Refusal) {
        _ = try request(change)
        Issue.record("\(number) is accepted")
      } catch {
        #expect(error.code == .usage, "\(number): \(error)")
      }
    }
  }

  @Test func sshsEndIsToldFromTheCommands() {
    let exit =
      "debug1: clientloop.c:client_input_channel_req():1 (pid=1): client_input_channel_req: channel 0 rtype exit-status reply 0\n"
    func outcome(_ status: Int32?, _ log: String) -> ExecOutcome {
      ExecOutcome(sshStatus: status, log: log, device: Sample.kitchen)
    }
    #expect(outcome(0, exit) == ExecOutcome(state: .ok, status: 0))
    #expect(outcome(7, exit) == ExecOutcome(state: .failed, status: 7))
    #expect(outcome(255, exit) == ExecOutcome(state: .failed, status: 255))
    // Of an ssh that cannot say it.
    #expect(outcome(3, "") == ExecOutcome(state: .failed, status: 3))
    #expect(
      outcome(255, "") == ExecOutcome(state: .unreachable, message: "the connection was lost before the command ended"))
    #expect(outcome(nil, "").state == .unreachable)
    #expect(outcome(255, exit.replacing("exit-status", with: "exit-signal")).message == "a signal ended the command")
    let denied = outcome(255, "pi@kitchen-pi: Permission denied (publickey).\n")
    #expect(
      denied.state == .unreachable
        && denied.message
          == "kitchen-pi does not accept this laptop's key: pi@kitchen-pi: Permission denied (publickey)."
    )
    #expect(outcome(255, "Host key verification failed.\n").message?.contains("another host key") == true)
    #expect(ExecOutcome(Refusal(.deviceOffline, "away")).state == .offline)
    #expect(ExecOutcome(Refusal(.denied, "no")) == ExecOutcome(state: .unreachable, message: "no"))
  }

  @Test func theLastRunIsKeptForARetry() throws {
    let names = try ["a", "b", "c", "d"].map { try DeviceName(validating: $0) }
    let states: [ExecOutcome.State] = [.ok, .failed, .queued, .notRun]
    let results = zip(names, states).map { (job: ExecJob(device: $0, command: "x"), outcome: ExecOutcome(state: $1)) }
    let last = LastExecution(command: "echo 'a\nb' \u{1B}", user: Sample.pi, results)
    #expect(last.failed == [names[1], names[3]])
    #expect(try LastExecution(parsing: last.text.utf8) == last)
    let long = LastExecution(command: String(repeating: "\u{1}", count: 100_000), user: nil, failed: [])
    #expect(try LastExecution(parsing: long.text.utf8) == long)
    for bad in ["", "\n", "{}\n", "{\"v\":2,\"command\":\"x\"}\n", "{\"v\":1,\"command\":\"x\",\"user\":null}\nA B\n"] {
      #expect(throws: Refusal.self) { try LastExecution(parsing: bad.utf8) }
    }
  }

  @Test func queuedCommandsKeepTheirOrder() throws {
    func entry(_ id: String, _ device: String, _ added_s: Int64, _ state: QueueState = .waiting) throws -> QueuedCommand
    {
      QueuedCommand(
        id: try QueueID(validating: id), device: try DeviceName(validating: device), command: "run \(id)", state: state,
        added: Timestamp(seconds: added_s), expires: Timestamp(seconds: added_s + 90))
    }
    let entries = try [
      entry("00000002", "a", 20), entry("00000001", "a", 10), entry("00000003", "b", 5),
      entry("00000004", "a", 1, .taken),
      entry("00000005", "a", 10),
    ]
    let a = try DeviceName(validating: "a")
    #expect(
      QueueRound.jobs(entries, reachable: [a], scope: QueueRound.Scope()).map(\.queued?.rawValue) == [
        "00000001", "00000005", "00000002",
      ])
    #expect(
      QueueRound.jobs(entries, reachable: [a], scope: QueueRound.Scope(only: [entries[0].id])).map(\.command) == [
        "run 00000002"
      ])
    #expect(QueueRound.jobs(entries, reachable: [], scope: QueueRound.Scope()).isEmpty)
    #expect(
      QueueRound.remark(entries.filter { $0.state == .waiting })
        == "4 queued commands wait for a, b; 'fleet queue' shows them")
    #expect(QueueRound.remark([]) == nil)

    // What HostA has made up, or changed, is not run.
    let here = QueuedHere(parsing: "\(QueuedHere.line(entries[0].id, entries[0].command))\n".utf8)
    var changed = entries[0]
    changed.command += "; true"
    let scope = QueueRound.Scope(here: here)
    #expect(QueueRound.jobs([changed] + entries, reachable: [a], scope: scope).map(\.command) == ["run 00000002"])
    #expect(QueueRound.foreignRemark(entries, scope: scope)?.hasPrefix("3 queued commands were not queued on") == true)
    #expect(QueueRound.foreignRemark([entries[0]], scope: scope) == nil)
    let table = QueueTable.text(entries, now: Timestamp(seconds: 80), style: TerminalStyle(hasColor: false))
    #expect(table.contains("00000003  b       waiting              1 min ago  in 15 s  run 00000003\n"), "\(table)")
    #expect(table.contains("taken, may have run"))
  }
}
