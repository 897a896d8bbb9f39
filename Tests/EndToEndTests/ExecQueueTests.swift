import Foundation
import Testing

/// Commands that wait at HostA for devices that are away: run by the operator's own `fleet`, at most once.
@Suite(.serialized) struct ExecQueueTests {
  @Test func aQueuedCommandRunsOnceWhenItsDeviceComes() throws {
    try Lab.with { lab in
      let configuration = try lab.kitchenPiThatWentAway()
      let log = lab.box.home.appending(path: "ran").path
      func ran() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

      let queued = try lab.fleet("exec", "kitchen-pi", "--queue", "--json", "--", "echo first >> \(log); exit 3")
      #expect(queued.status == 4 && queued.error.contains("queued: kitchen-pi"), "\(queued)")
      let row = try lab.objects(queued.output)[0]
      #expect(row["state"] as? String == "queued" && row["status"] is NSNull)
      let entries = try lab.queue()
      let first = try #require(entries.first?["id"] as? String)
      #expect(entries.count == 1 && entries[0]["state"] as? String == "waiting", "\(entries)")
      #expect((row["message"] as? String)?.contains(first) == true)
      #expect(try lab.fleetSucceeds("queue").contains("echo first >> "))

      // Nothing is run while it is away; one that is over and one that is cancelled are never run.
      let idle = try lab.fleet("exec", "--resume")
      #expect(idle.status == 0 && idle.error.contains("1 queued command waits for kitchen-pi"), "\(idle)")
      try lab.expectQueued("--expires", "1s", "--", "echo expired >> \(log)")
      try lab.expectQueued("--", "echo cancelled >> \(log)")
      let cancelled = try #require(
        try lab.queue().first { ($0["command"] as? String)?.contains("cancelled") == true }?["id"] as? String)
      #expect(try lab.fleet("queue", "cancel", cancelled).error.contains("1 device will not get it"))
      #expect(try lab.fleet("queue", "cancel", "00000000").status == 1)
      #expect(try lab.fleet("queue", "cancel", "x").status == 2)
      try eventually("its time is over", within: 60) {
        try lab.queue().contains { $0["state"] as? String == "expired" }
      }

      // Another operator sees and runs nothing of it.
      try lab.asOtherOperator {
        #expect(try lab.queue().isEmpty)
        let none = try lab.fleet("exec", "--resume")
        #expect(none.status == 0 && none.error == "fleet: no queued command was run\n", "\(none)")
      }

      // HostA is not believed that this laptop has queued what it has not: neither from another one, nor made up.
      _ = try lab.anna.succeed(
        "queue-add", body: #"{"v":1,"command":"echo foreign >> \#(log)","devices":["kitchen-pi"],"expires_s":900}"#)

      // Two that wait for it when it comes: one of them runs it, and neither a second time.
      let waiting = try (0..<2).map { _ in try lab.start(lab.laptop, ["fleet", "exec", "--resume", "--wait", "--json"])
      }
      try lab.startAgent("kitchen-pi", configuration: configuration, replacesKey: false)
      for one in waiting { #expect(one.wait(120) != nil, "\(one.error)") }
      let results = try lab.objects(waiting.map(\.output).joined())
      #expect(results.count == 1 && results[0]["status"] as? Int == 3 && results[0]["queue_id"] as? String == first)
      #expect(waiting.map { $0.wait(0) ?? -1 }.sorted() == [0, 1])
      #expect(ran() == "first\n")
      let done = try #require(try lab.queue().first { $0["id"] as? String == first })
      #expect(done["state"] as? String == "done" && done["status"] as? Int == 3)
      let foreign = try lab.fleet("exec", "--resume")
      #expect(
        foreign.error.contains("1 queued command was not queued on this laptop") && ran() == "first\n", "\(foreign)")
      try lab.fleetSucceeds("exec", "--resume", "--any-laptop")
      #expect(ran() == "first\nforeign\n")
    }
  }

  @Test func aCommandWhoseLaptopDiesIsNotRunAgain() throws {
    try Lab.with { lab in
      let configuration = try lab.kitchenPiThatWentAway()
      let log = lab.box.home.appending(path: "ran").path
      func ran() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
      try lab.expectQueued(
        "--", "echo begun >> \(log); until [ -e \(log).go ]; do sleep 0.1; done; echo ended >> \(log)")
      // Seconds tell which was queued first.
      let first = try lab.queue()[0]["added"] as? String
      try eventually("the next second", within: 10) { try lab.queueTime() != first }
      try lab.expectQueued("--", "echo second >> \(log)")
      try lab.startAgent("kitchen-pi", configuration: configuration, replacesKey: false)

      // Who is killed cannot tidy up.
      let temporary = lab.laptop.home.path
      let resume = try lab.start(lab.laptop, ["fleet", "exec", "--resume"], environment: ["TMPDIR": temporary])
      try eventually("the first command has begun\n\(resume.error)", within: 60) { ran() == "begun\n" }
      #expect(resume.stop(SIGKILL, within: 10) != nil)
      #expect(try lab.queue().map { $0["state"] as? String } == ["taken", "waiting"])
      let rest = try lab.fleet("exec", "--resume")
      #expect(rest.status == 0 && ran() == "begun\nsecond\n", "\(rest)")
      #expect(try lab.queue().map { $0["state"] as? String } == ["taken", "done"])
      _ = FileManager.default.createFile(atPath: log + ".go", contents: nil)
      try eventually("what was begun ends by itself", within: 30) { ran() == "begun\nsecond\nended\n" }
      #expect(try lab.fleet("exec", "--resume").error == "fleet: no queued command was run\n")
      #expect(try lab.fleetSucceeds("queue").contains("taken, may have run"))
    }
  }
}

extension Lab {
  /// A device that was online, and has a key of its own, so that nothing but the test cuts its connection.
  fileprivate func kitchenPiThatWentAway() throws -> URL {
    let (_, agent, configuration) = try startKitchenPi()
    agent.stop()
    try eventually("kitchen-pi is offline") { try state("kitchen-pi") == "offline" }
    return configuration
  }

  /// Queues a command for kitchen-pi, which is away.
  fileprivate func expectQueued(_ arguments: String...) throws {
    let outcome = try run(laptop, ["fleet", "exec", "kitchen-pi", "--queue"] + arguments)
    #expect(outcome.status == 4 && outcome.error.contains("queued: kitchen-pi"), "\(outcome)")
  }

  /// What `fleet queue --json` lists.
  fileprivate func queue() throws -> [[String: Any]] {
    try Self.object(try fleetSucceeds("queue", "--json"))["queue"] as? [[String: Any]] ?? []
  }

  /// HostA's time, to the second.
  fileprivate func queueTime() throws -> String? { try anna.ask("queue").fields["now"] as? String }

  /// Runs `body` while the laptop has another operator's key.
  fileprivate func asOtherOperator(_ body: () throws -> Void) throws {
    try succeed(laptop, ["sh", "-c", "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/bert && cat ~/.ssh/bert.pub"])
    let key = try write(
      try succeed(laptop, ["sh", "-c", "cat ~/.ssh/bert.pub"]), to: "bert.pub", of: hostA)
    try succeed(hostA, ["fleet-server", "operator", "add", "bert", "--key", key.path])
    let configuration = ".config/fleet/config.json"
    let text = try succeed(laptop, ["cat", configuration])
    try write(text.replacing("/.ssh/id_ed25519", with: "/.ssh/bert"), to: configuration, of: laptop)
    defer { _ = try? write(text, to: configuration, of: laptop) }
    try body()
  }
}
