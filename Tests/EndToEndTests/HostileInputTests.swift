import FleetProtocol
import Foundation
import Testing

/// What the holder of a key can make HostA do by asking without an end: little, and nothing to anybody else.
@Suite(.serialized) struct HostileInputTests {
  private static let claim = ClaimBody(
    agentVersion: "1", bootID: "hostile", keepalive_s: 10, facts: ["os": "x\u{1B}[2J\u{202E}\n"], hostKeys: []
  ).line

  @Test func aFloodOfClaimsIsBoundedAndDisturbsNobody() throws {
    try Lab.with { lab in
      let (server, configuration) = try lab.prepareKitchenPi()
      let thief = Thief(lab: lab, account: lab.box, key: lab.key(beside: configuration))
      let attic = Thief(lab: lab, account: lab.box, key: lab.key(beside: try lab.provisionBundle("attic-pi", box: 1)))
      let master = try thief.start(["-M", "-S", "flood", "-N"])
      try eventually("the connection stands\n\(master.error)") {
        try lab.run(lab.box, thief.line(["-S", "flood", "-O", "check"], [])).status == 0
      }
      try lab.write(Self.claim + "\n", to: "claim", of: lab.box)
      let logged = try lab.fleetSucceeds("log", "--json").count
      let written = server.error.count

      let idle_ms = try (0..<5).map { _ in try lab.listTakes_ms() }
      var flooded_ms: [Int] = []
      let began = Date()
      let flood = try lab.start(
        lab.box,
        ["sh", "-c", "seq 160 | xargs -P 60 -I{} sh -c '\"$@\" <claim' sh \"$@\"; true", "sh"]
          + thief.line(["-S", "flood", "-o", "ControlMaster=no"], ["claim"]))
      var processes = 0
      var others = 0
      while flood.wait(0) == nil {
        processes = max(processes, Lab.processes(of: [lab.hostA.uid ?? getuid()]).count { $0.1.contains(" device ") })
        flooded_ms.append(try lab.listTakes_ms())
        let other = try lab.run(lab.box, attic.line([], ["claim"]), input: Self.claim + "\n")
        #expect(other.output.contains("\"ok\":true"), "another device's claim: \(other)")
        others += 1
      }
      let took_s = Date().timeIntervalSince(began)
      let answers = flood.output.split(separator: "\n")
      let granted = answers.count { $0.contains("\"ok\":true") }
      #expect(answers.count == 160, "\(flood.error.suffix(500))")
      #expect(granted >= 1 && Double(granted) <= took_s + 2, "\(granted) of the claims in \(took_s) s")
      #expect(answers.allSatisfy { $0.contains("\"ok\":true") || $0.contains("claim-busy") }, "\(answers.last ?? "")")
      // Those that wait do it one after the other, five a second at most, and nobody for longer than the patience.
      #expect(took_s > 6, "160 claims were answered within \(took_s) s")
      // Each request is a shell that becomes fleet-server.
      #expect(processes <= 130, "\(processes) processes at a time")
      print(
        "160 claims in \(Int(took_s * 1000)) ms, \(granted) granted, \(processes) processes; list \(idle_ms.sorted()[2]) ms alone,",
        "\(flooded_ms.sorted()[flooded_ms.count / 2]) ms beside it; \(others) claims of another device")
      #expect(try lab.fleetSucceeds("log", "--json").count == logged, "a claim is in the audit")
      // sshd says that it lets the other device and the laptop in, and of the flood nothing.
      let lines = server.error.dropFirst(written).split(separator: "\n").count
      #expect(lines < 20 * (flooded_ms.count + others + 2), "\(lines) lines in the log")
      master.stop()
      let next = try thief.run([], command: ["version"])
      #expect(next.output.contains("request-refused"), "the flood ends with its connection: \(next)")
    }
  }

  @Test func endlessAndSlowInputEndsAndTakesNoRoom() throws {
    try Lab.with { lab in
      let (_, configuration) = try lab.prepareKitchenPi()
      let thief = Thief(lab: lab, account: lab.box, key: lab.key(beside: configuration))
      let anna = Thief(lab: lab, account: lab.laptop, key: lab.operatorKey)
      let image = Thief(lab: lab, account: lab.box, key: try lab.createEnrollKey(named: "image").key)
      let port = lab.ports.leases.lowerBound
      let endless = "head -c 1073741824 /dev/zero | tr '\\0' a | \"$@\""
      let slow = "while sleep 0.5; do printf x 2>/dev/null || exit; done | \"$@\""
      let forward = ["-R", "127.0.0.1:\(port):127.0.0.1:\(lab.ports.box(0))"]
      let claimed = "{ cat claim; head -c 1073741824 /dev/zero | tr '\\0' a; } | \"$@\""
      try lab.write(Self.claim + "\n", to: "claim", of: lab.box)

      for (way, thief, options, request, says) in [
        (endless, thief, [], "claim", "longer than"), (endless, thief, [], "report", "longer than"),
        (endless, thief, [], "rotate-key", "longer than"), (endless, thief, forward, "attach", "longer than"),
        (claimed, thief, forward, "attach", "longer than"), (endless, image, [], "join", "longer than"),
        (slow, image, [], "join", "did not come in time"), (endless, anna, [], "select", "longer than"),
        (endless, anna, [], "provision-many", "longer than"), (slow, thief, [], "claim", "did not come in time"),
        (slow, thief, forward, "attach", "did not come in time"), (slow, anna, [], "log", "did not come in time"),
      ] {
        let began = Date()
        let asked = try lab.start(thief.account, ["sh", "-c", way, "sh"] + thief.line(options, [request]))
        let peak_kB = lab.peakMemory_kB(ofServerWhile: asked)
        #expect(
          asked.output.contains("request-malformed") && asked.output.contains(says), "\(request): \(asked.output)")
        #expect(peak_kB < 64 << 10, "\(request) took \(peak_kB) kB")
        #expect(Date().timeIntervalSince(began) < 45, "\(request) took its time")
      }
      // A request that goes on and on never reaches a program, or is refused by it.
      let long = try lab.run(
        lab.box, ["sh", "-c", "\"$@\" \"$(head -c 100000 /dev/zero | tr '\\0' a)\"", "sh"] + thief.line([], []))
      #expect(long.status != 0 && long.output.utf8.count < 2000, "\(long)")
    }
  }

  /// HostA itself, in the hands of somebody else: its answers end nowhere.
  @Test func aLaptopBearsAHostAThatNeverStops() throws {
    try Lab.with { lab in
      try lab.makeOperatorKey()
      let answers = try lab.write(
        """
        case $SSH_ORIGINAL_COMMAND in
        version) echo '{"v":1,"ok":true,"version":"1","operator":"anna","role":"admin","devices":[]}' ;;
        list) echo '{"v":1,"ok":true,"count":1,"now":"2026-01-02T03:04:05Z","pending":0}' && exec yes '{}' ;;
        'show a') exec tr '\\0' a </dev/zero ;;
        'show b') printf '{"v":1,"ok":false,"code":"denied","message":"\\033[2J\\342\\200\\256no"}' | tr '\\033' ' ' ;;
        'connect a') exec tr '\\0' a </dev/zero ;;
        'connect b') exec yes 'still thinking' >&2 ;;
        esac

        """, to: "answers", of: lab.box)
      try lab.startBoxSSHD(extra: "ForceCommand exec sh \(answers.path)")
      let line = try lab.succeed(lab.box, ["ssh-keygen", "-lf", "sshd-0/host_key.pub"])
      try lab.fleetSucceeds(
        "login", "\(lab.box.name)@127.0.0.1:\(lab.ports.box(0))", "--host-key", String(line.split(separator: " ")[1]),
        "--identity", lab.operatorKey.path)
      for (arguments, says) in [
        (["list"], "does not end"), (["show", "a"], "does not end"), (["ssh", "a", "true"], "does not end"),
        (["ssh", "b", "true"], "without an end"),
      ] {
        let asked = try lab.start(lab.laptop, ["fleet"] + arguments)
        let peak_kB = lab.peakMemory_kB(of: "fleet \(arguments[0])", of: lab.laptop, while: asked)
        #expect(asked.error.contains(says), "\(arguments): \(asked.error.suffix(400))")
        #expect(peak_kB < 400 << 10, "\(arguments) took \(peak_kB) kB")
      }
    }
  }
}

extension Lab {
  /// How long an operator's list takes, which must succeed.
  fileprivate func listTakes_ms() throws -> Int {
    let began = Date()
    try fleetSucceeds("list", "--all")
    return Int(Date().timeIntervalSince(began) * 1000)
  }

  /// The device's key in an unpacked bundle.
  fileprivate func key(beside configuration: URL) -> URL {
    configuration.deletingLastPathComponent().appending(path: "id_ed25519")
  }

  /// The most memory that one of HostA's forced commands ever had, seen until `asked` ends.
  fileprivate func peakMemory_kB(ofServerWhile asked: Running) -> Int {
    peakMemory_kB(of: "fleet-server ", of: hostA, while: asked)
  }

  /// The same of the account's processes with this in their command line. Ends `asked` after a minute.
  fileprivate func peakMemory_kB(of command: String, of account: Account, while asked: Running) -> Int {
    let deadline = Date().addingTimeInterval(60)
    var peak = 0
    while asked.wait(0) == nil, Date() < deadline {
      for (pid, line) in Self.processes(of: [account.uid ?? getuid()])
      where line.contains(command) && !line.contains("fleet-server run") {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        peak = max(peak, line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
      }
      usleep(20_000)
    }
    asked.stop()
    return peak
  }
}
