import FleetProtocol
import Testing

@testable import fleet

/// What `fleet doctor` makes of what it sees; ssh's words are those of OpenSSH 9.2.
@Suite struct DoctorTests {
  private static let shown = "SHA256:VjvNtL74LsWlADA8cVRvH2VLiMLMcy2b4NIlzdS+2ig"
  private static let way = [
    "debug1: Reading configuration data /etc/ssh/ssh_config",
    "debug1: Connecting to hosta.example [203.0.113.9] port 2222.", "debug1: Connection established.",
    "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2",
    "debug1: Server host key: ssh-ed25519 \(shown)",
    "debug1: Host 'fleet-host-x' is known and matches the ED25519 host key.",
    "debug1: Offering public key: /h/my id ED25519 \(shown) explicit",
    "debug1: Server accepts key: /h/my id ED25519 \(shown) explicit",
    "Authenticated to hosta.example ([203.0.113.9]:2222) using \"publickey\".",
    "Transferred: sent 1, received 2 bytes, in 0.3 seconds",
  ]

  /// The first `count` lines of a good connection, 10 ms apart, and then others.
  private func trace(_ count: Int, _ more: String...) -> SSHTrace {
    let lines = Self.way.prefix(count) + more
    return SSHTrace(
      lines.enumerated().map { SSHTrace.Moment(text: $0.element, at: .milliseconds(10 * ($0.offset + 1))) },
      end: .milliseconds(10 * (lines.count + 1)))
  }

  private func unreached(_ text: String) -> Result<JSONObject, Refusal> {
    .failure(SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: text))
  }

  // MARK: HostA

  @Test func aGoodWayToHostA() {
    let verdict = HostVerdict.of(
      trace(Self.way.count),
      answer: .success(["version": .string("0.1.0"), "operator": .string("anna"), "role": .string("admin")]))
    #expect(verdict.refusal == nil && verdict.findings.allSatisfy { $0.mark == .well })
    #expect(
      verdict.findings.map(\.detail) == [
        "hosta.example is 203.0.113.9", "2222 is open", "OpenSSH_9.2p1 Debian-2",
        "ssh-ed25519 \(Self.shown), as pinned",
        "you are anna, role admin; fleet-server 0.1.0; by \(Self.shown) (/h/my id)",
      ])
    #expect(verdict.findings.map { $0.took_ms ?? -1 } == [20, 10, 10, 20, 50])
    #expect(
      verdict.findings[1].line(style: TerminalStyle(hasColor: false)) == "✓ HostA: port: 2222 is open (10 ms)\n")
  }

  @Test(arguments: [
    (1, "ssh: Could not resolve hostname hosta.example: Name or service not known", DoctorStep.hostName),
    (2, "ssh: connect to host hosta.example port 2222: Connection refused", .hostPort),
    (2, "ssh: connect to host hosta.example port 2222: Connection timed out", .hostPort),
    (3, "Connection timed out during banner exchange", .hostSSHD),
    (3, "kex_exchange_identification: Connection closed by remote host", .hostSSHD),
    (4, "Unable to negotiate with h port 1: no matching host key type found. Their offer: ssh-dss", .hostSSHD),
    (5, "Host key verification failed.", .hostKey), (6, "fleet@h: Permission denied (publickey).", .hostLogin),
    (9, "sh: 1: exec: /x/fleet-server: not found", .hostLogin),
  ])
  func theHopThatFails(count: Int, text: String, step: DoctorStep) throws {
    let trace = trace(count, text)
    let verdict = HostVerdict.of(trace, answer: unreached(trace.errorText))
    #expect(verdict.refusal != nil && verdict.findings.last?.step == step, "\(verdict.findings)")
    #expect(verdict.findings.last?.mark == .failed && verdict.findings.dropLast().allSatisfy { $0.mark == .well })
  }

  @Test func whatIsNoSSHServerIsQuoted() {
    let trace = trace(
      3, "debug1: kex_exchange_identification: banner line 0: Not allowed at this time",
      "kex_exchange_identification: read: Connection reset by peer")
    #expect(trace.preface?.text == "Not allowed at this time")
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: trace.errorText)
    #expect(refusal.message.contains("refuses this address for a while"))
  }

  @Test func aProxyIsLeftAlone() {
    var lines = Self.way
    lines.replaceSubrange(1...2, with: ["debug1: Executing proxy command: exec nc h 22"])
    let trace = SSHTrace(lines.map { SSHTrace.Moment(text: $0, at: .zero) }, end: .zero)
    let verdict = HostVerdict.of(trace, answer: .success([:]))
    #expect(verdict.refusal == nil && verdict.findings.prefix(2).allSatisfy { $0.mark == .noted })
  }

  // MARK: The device

  private let header = ConnectHeader(
    name: Sample.kitchen, user: Sample.pi, hostKeys: [Sample.hostKey],
    enrolled: Timestamp(parsing: "2026-01-01T00:00:00Z"), enrolledBy: "anna")

  private func visit(_ status: Int32, _ trace: SSHTrace, note: String? = nil) -> Verdict {
    DeviceVerdict.of(
      DeviceVerdict.Visit(
        name: try! FleetHostName(parsing: "kitchen-pi"), user: "pi", header: header, status: status, trace: trace,
        note: note))
  }

  @Test func whatHostAKnows() {
    func verdict(_ device: DeviceStatus) -> Verdict {
      DeviceVerdict.ofRecord(ShowReply(device: device, outages: []), now: Sample.now, took: .zero)
    }
    let online = verdict(Sample.device())
    #expect(online.refusal == nil && online.findings[0].detail == "online, seen 20 s ago, 23 ms from HostA")
    let down = verdict(Sample.device(note: "ssh down on the device"))
    #expect(down.refusal == nil && down.findings[0].mark == .noted)
    let offline = verdict(Sample.device(state: .offline))
    #expect(offline.refusal?.code == .deviceOffline && offline.findings[0].detail.contains("last seen 20 s ago"))
    #expect(verdict(Sample.device(state: .offline, lastSeen_s: nil)).refusal?.message.contains("never seen") == true)
    let blocked = verdict(Sample.device(state: .offline, note: "blocked by another process"))
    #expect(blocked.refusal?.code == .deviceBlocked && blocked.refusal?.hint?.contains("20007") == true)
  }

  @Test func whereTheWayToTheDeviceEnds() {
    let well = visit(0, trace(Self.way.count))
    #expect(well.refusal == nil && well.findings.map(\.step) == [.deviceSSHD, .deviceKey, .deviceLogin])
    #expect(well.findings[1].detail.hasSuffix("as recorded on 2026-01-01 by anna"))
    #expect(well.findings[2].detail == "as pi by \(Self.shown) (/h/my id)")

    let down = visit(255, trace(1, "kex_exchange_identification: Connection closed by remote host"), note: "ssh down")
    #expect(down.refusal?.code == .deviceSSHDown && down.findings.last?.step == .deviceSSHD)
    #expect(down.refusal?.message.contains("HostA notes: ssh down") == true)

    let changed = visit(255, trace(5, "Host key verification failed."))
    #expect(changed.refusal?.code == .deviceHostKeyChanged && changed.findings.last?.step == .deviceKey)
    #expect(changed.refusal?.message.contains(KeyFingerprint.of(Sample.hostKey)) == true)
    #expect(changed.refusal?.hint?.contains("fleet trust kitchen-pi --accept \(Self.shown)") == true)

    let refused = visit(255, trace(7, "pi@kitchen-pi: Permission denied (publickey)."))
    #expect(refused.refusal?.code == .deviceLoginRefused && refused.refusal?.code.exitStatus == .denied)
    #expect(refused.refusal?.message.hasSuffix("it was offered \(Self.shown) (/h/my id)") == true)
    #expect(visit(255, trace(6, "Permission denied")).refusal?.message.contains("no key that it could") == true)
    #expect(visit(255, trace(8, "Permission denied")).refusal?.code == .keyUnusable)
    #expect(visit(255, trace(9, "Connection reset by peer")).refusal?.code == .ioFailed)
    #expect(visit(127, trace(9)).refusal?.code == .stepFailed)
  }

  // MARK: The laptop

  @Test func theLaptop() throws {
    #expect(LaptopVerdict.sshVersion("OpenSSH_9.2p1 Debian-2, OpenSSL 3.0\n") == "OpenSSH_9.2p1 Debian-2")
    try LaptopVerdict.checkModes([("/c", 0o700), ("/c/x", 0o644)])
    let open = #expect(throws: Refusal.self) { try LaptopVerdict.checkModes([("/c", 0o700), ("/c/x", 0o664)]) }
    #expect(open?.code == .configurationInvalid && open?.hint == "chmod go-w '/c/x'")
    #expect(throws: Refusal.self) { try LaptopVerdict.checkSSHConfiguration(status: 255, errorText: "x") }
    let now = Sample.now
    #expect(LaptopVerdict.clock(laptop: now, hostA: Timestamp(seconds: now.seconds - 30)).mark == .well)
    let ahead = LaptopVerdict.clock(laptop: now, hostA: Timestamp(seconds: now.seconds - 185))
    #expect(ahead.mark == .noted && ahead.detail.contains("3 min 5 s ahead of HostA"))
  }

  @Test func theFleet() {
    let devices = [
      Sample.device("a"), Sample.device("b", state: .offline),
      Sample.device("c", state: .offline, note: "blocked by another process"),
      Sample.device("d", note: "ssh down on the device"), Sample.device("e", state: .duplicate),
    ]
    let finding = LaptopVerdict.fleet(devices, waiting: 2, took: .zero)
    #expect(
      finding.detail
        == "5 devices: 2 online, 2 offline, 1 duplicate, 1 blocked, 1 with its ssh down; waiting for approval: 2")
    #expect(LaptopVerdict.fleet([Sample.device()], waiting: 0, took: .zero).mark == .well)
  }

  @Test func theReport() throws {
    var report = DoctorReport(device: Sample.kitchen)
    report.host = "office"
    report.add(Finding(.ssh, "OpenSSH", took: .microseconds(1500)))
    report.add(Finding(.configuration, "broken", mark: .failed))
    report.refusal = Refusal(.configurationInvalid, "broken", hint: "mend it")
    #expect(report.unreached.first == .key && report.unreached.last == .deviceLogin)
    #expect(!report.unreached.contains(.fleet) && !DoctorStep.walk(toDevice: false).contains(.tunnel))
    let plain = TerminalStyle(hasColor: false)
    #expect(report.unreachedLines(style: plain).hasPrefix("- laptop: your key\n- laptop: fleet's folder\n"))
    let object = try JSONObject(parsingBody: report.json.utf8)
    #expect(try object.string("code") == "configuration-invalid" && object.string("failed") == "configuration")
    #expect(try object.flag("ok") == false && object.objects("steps", count: 20).count == 15)
  }
}
