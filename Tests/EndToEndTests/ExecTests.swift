import Foundation
import Testing

/// `fleet exec` on several devices at once, each a real agent in front of a real sshd.
@Suite(.serialized) struct ExecTests {
  @Test func aCommandRunsOnManyAndEachTellsHowItEnded() throws {
    try Lab.with { lab in
      try lab.startFleetOfThree()
      try lab.showsOutputAndStatus()
      try lab.refusesWhatNamesNoDevice()
      try lab.givesTheSameInputToEach()
      try lab.boundsWhatItKeeps()
      try lab.tellsWhoIsOfflineTimedOutOrUnreachable()
      try lab.endsCleanly()
    }
  }
}

extension Lab {
  /// kitchen-pi and hall-pi are online, each with an sshd of its own; attic-pi is offline.
  fileprivate func startFleetOfThree() throws {
    try startHostA()
    try login()
    for (number, name) in ["kitchen-pi", "hall-pi"].enumerated() {
      try startBoxSSHD(number)
      let agent = try start(
        box, ["fleet-agent", "run", "--config", try provisionBundle(name, box: number).path])
      try online(name, agent: agent)
      try keyIsSettled(name, agent: agent)
    }
    _ = try provisionBundle("attic-pi")
  }

  /// A command that tells the devices apart, though both are this machine.
  private func onHall(_ command: String) -> String {
    "set -- $SSH_CONNECTION; if [ $4 = \(ports.box(1)) ]; then \(command); fi"
  }

  func objects(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map { try Self.object(String($0)) }
      .sorted { ($0["name"] as? String ?? "") < ($1["name"] as? String ?? "") }
  }

  fileprivate func showsOutputAndStatus() throws {
    let fine = try fleet("exec", "*-pi", "state=online", "--", "echo", "hello", "there; echo oops >&2")
    #expect(fine.status == 0, "\(fine)")
    #expect(
      fine.output.split(separator: "\n").sorted() == ["hall-pi: hello there", "kitchen-pi: hello there"], "\(fine)")
    #expect(fine.error.contains("kitchen-pi: oops\n") && fine.error.contains("fleet: 2 devices in"), "\(fine)")
    #expect(fine.error.hasSuffix(": all ok\n"), "\(fine)")

    let mixed = try fleet("exec", "--json", "hall-pi", "kitchen-pi", "--", onHall("echo bad; exit 3"))
    #expect(mixed.status == 1 && mixed.error.contains("1 ok, 1 failed\n  status 3: hall-pi\n"), "\(mixed)")
    let rows = try objects(mixed.output)
    #expect(rows.map { $0["name"] as? String } == ["hall-pi", "kitchen-pi"])
    #expect(rows.map { $0["state"] as? String } == ["failed", "ok"] && rows.map { $0["status"] as? Int } == [3, 0])
    #expect(rows[0]["stdout"] as? String == "bad\n" && rows[0]["stderr"] as? String == "")
    #expect(rows.allSatisfy { ($0["duration_s"] as? Double ?? 0) > 0 })

    // Only where it did not succeed, the same command; then another one, until none is left.
    let again = try fleet("exec", "--retry-failed", "--group")
    #expect(again.status == 1 && again.output.hasPrefix("== hall-pi: status 3, "), "\(again)")
    #expect(again.output.hasSuffix(" s\nbad\n") && !again.error.contains("kitchen-pi"), "\(again)")
    let mended = try fleet("exec", "--retry-failed", "--", "echo mended")
    #expect(mended.status == 0 && mended.output == "hall-pi: mended\n", "\(mended)")
    let none = try fleet("exec", "--retry-failed")
    #expect(none.status == 0 && none.output.isEmpty && none.error.contains("nothing was run"), "\(none)")
    // The command's own 255 is not taken for a lost connection, nor a signal.
    let odd = try objects(try fleet("exec", "--json", "kitchen-pi", "--", "exit 255").output)
    #expect(odd[0]["state"] as? String == "failed" && odd[0]["status"] as? Int == 255, "\(odd)")
    let killed = try objects(try fleet("exec", "--json", "kitchen-pi", "--", "kill -9 $$").output)
    #expect(killed[0]["state"] as? String == "failed" && (killed[0]["message"] as? String)?.contains("signal") == true)
  }

  fileprivate func refusesWhatNamesNoDevice() throws {
    let unknown = try fleet("exec", "kitchen-pi", "cellar-pi", "--", "echo ran")
    #expect(unknown.status == 3 && unknown.output.isEmpty && unknown.error.contains("cellar-pi"), "\(unknown)")
    let empty = try fleet("exec", "x-*", "--", "echo ran")
    #expect(empty.status == 3 && empty.error.contains("no device fits x-*"), "\(empty)")
    for line in [
      ["exec", "--", "true"], ["exec", "kitchen-pi"], ["exec", "kitchen-pi", "uptime"], ["exec", "--all"],
    ] {
      let refused = try run(laptop, ["fleet"] + line)
      #expect(refused.status == 2 && refused.output.isEmpty, "\(line): \(refused)")
    }
  }

  fileprivate func givesTheSameInputToEach() throws {
    let text = String(repeating: "some line\n", count: 30_000)
    let fed = try fleet("exec", "--stdin", "state=online", "--", "wc -c", input: text)
    #expect(fed.output.split(separator: "\n").sorted() == ["hall-pi: 300000", "kitchen-pi: 300000"], "\(fed)")
    let unfed = try fleet("exec", "kitchen-pi", "--", "wc -c", input: text)
    #expect(unfed.output == "kitchen-pi: 0\n", "\(unfed)")
  }

  fileprivate func boundsWhatItKeeps() throws {
    let much = try objects(
      try fleet("exec", "--json", "kitchen-pi", "--", "head -c 3000000 /dev/zero | tr '\\0' x; printf '\\377' >&2")
        .output)
    #expect((much[0]["stdout"] as? String)?.utf8.count == 1 << 20, "\(much[0]["state"] ?? "")")
    #expect(much[0]["stdout_cut_bytes"] as? Int == 3_000_000 - 1 << 20)
    #expect(much[0]["stderr_base64"] as? String == "/w==")
    // All of it goes through where lines are shown at once, though in several lines.
    let streamed = try fleet("exec", "kitchen-pi", "--", "head -c 3000000 /dev/zero | tr '\\0' x")
    #expect(streamed.output.count { $0 == "x" } == 3_000_000)
    // A reader that has heard enough ends it, and the endless command's connection with it.
    let head = try run(laptop, ["sh", "-c", "fleet exec kitchen-pi -- yes | head -n 1"])
    #expect(head.status == 0 && head.output == "kitchen-pi: y\n", "\(head)")
  }

  fileprivate func tellsWhoIsOfflineTimedOutOrUnreachable() throws {
    let away = try fleet("exec", "--all", "--json", "--", "true")
    #expect(away.status == 4 && away.error.contains("2 ok, 1 offline\n  offline: attic-pi\n"), "\(away)")
    #expect(try objects(away.output).map { $0["state"] as? String } == ["offline", "ok", "ok"])

    let slow = try fleet("exec", "--all", "--json", "--timeout", "8s", "--", onHall("echo begun; sleep 1000"))
    #expect(slow.status == 1 && slow.error.contains("timed out: hall-pi"), "\(slow)")
    let row = try objects(slow.output)[1]
    #expect(row["state"] as? String == "timed-out" && row["status"] is NSNull && row["stdout"] as? String == "begun\n")

    // The device's sshd lets nobody in any more; the other one's result stands all the same.
    let keys = box.home.appending(path: "sshd-1/authorized_keys")
    let content = try Data(contentsOf: keys)
    try Data().write(to: keys)
    let shut = try fleet("exec", "--json", "state=online", "--", "true")
    try content.write(to: keys)
    #expect(shut.status == 1 && shut.error.contains("hall-pi does not accept this laptop's key"), "\(shut)")
    #expect(try objects(shut.output).map { $0["state"] as? String } == ["unreachable", "ok"], "\(shut)")
    let other = try fleet("exec", "--user", "nobody", "kitchen-pi", "--", "true")
    #expect(other.status == 1 && other.error.contains("unreachable: kitchen-pi"), "\(other)")
  }

  fileprivate func endsCleanly() throws {
    let word = "begun-\(UUID().uuidString)"
    let running = try start(
      laptop, ["fleet", "exec", "--parallel", "1", "state=online", "--", "echo \(word); exec sleep 1000"])
    try eventually("one command is at work\n\(running.error)", within: 60) { running.output.contains(word) }
    #expect(running.stop(SIGINT, within: 60) == 130, "\(running.error)")
    #expect(running.error.contains("1 interrupted, 1 not run"), "\(running.error)")
    // What this program started has ended; a connection to HostA that others share stays for its minute.
    if let uid = laptop.uid {
      try eventually("nothing of it is left") {
        !Self.processes(of: [uid]).contains { _, command in
          !Self.isSharedConnection(command) && (command.contains(word) || command.contains("--adopt"))
        }
      }
    }
    let both = try fleet("exec", "--retry-failed", "--", "echo back")
    #expect(both.output.split(separator: "\n").sorted() == ["hall-pi: back", "kitchen-pi: back"], "\(both)")
    let left = try succeed(
      laptop,
      [
        "sh", "-c",
        "ls -d ${TMPDIR:-/tmp}/fleet-?????? 2>/dev/null | while read f; do [ -O $f ] && echo $f; done; true",
      ])
    #expect(left.isEmpty, "\(left)")
    // The sleep that was begun on the device may go on there, as with ssh.
    _ = try? succeed(
      box,
      [
        "sh", "-c",
        "for p in /proc/[0-9]*; do [ \"$(tr '\\0' ' ' <$p/cmdline 2>/dev/null)\" = 'sleep 1000 ' ] && [ -O $p ] && kill ${p#/proc/}; done; true",
      ])
  }
}
