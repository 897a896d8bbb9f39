import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// `fleet-server run` with a real sshd on a port that the kernel chose.
@Suite(.serialized) struct RunTests {
  private let folder: TemporaryFolder
  private let server: BuiltServer
  private let listen: ListenAddress

  init() throws {
    folder = try TemporaryFolder()
    server = BuiltServer(home: folder.path + "/home")
    let loopback = IPAddress.loopback
    listen = ListenAddress(address: loopback, port: try LoopbackPair().connection.localPort)
    // Another run of these tests on the same machine leases elsewhere.
    let first = Int.random(in: 20000...30000)
    try server.initialise(ports: "\(first)-\(first + 20)", listen: listen.description)
    try keygen("operator")
    try keygen("device")
    #expect(try server.run(["operator", "add", "bob", "--key", folder.path + "/operator.pub"]).status == 0)
  }

  private func keygen(_ name: String) throws {
    _ = try Subprocess.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.path + "/" + name])
  }

  private var options: [String] {
    [
      "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "StrictHostKeyChecking=yes", "-o",
      "UserKnownHostsFile=\(folder.path)/known_hosts", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o",
      "ConnectTimeout=10", "-p", "\(listen.port)",
    ]
  }

  private func pinHost() throws {
    let key = try #require(FileReading.line(of: server.home + "/ssh_host_ed25519_key.pub"))
    try "[127.0.0.1]:\(listen.port) \(key)\n".write(
      toFile: folder.path + "/known_hosts", atomically: true, encoding: .utf8)
  }

  private func ssh(_ key: String, _ request: String, extra: [String] = [], body: String = "") throws
    -> SpawnedProcess.Result
  {
    let account = try Account.current().name
    let arguments = options + ["-i", "\(folder.path)/\(key)"] + extra + ["\(account)@127.0.0.1", request]
    return try SpawnedProcess("ssh", arguments, environment: ["PATH": "/usr/bin:/bin"], input: body).result()
  }

  private func start() throws -> SpawnedProcess {
    try pinHost()
    let running = try server.start(["run"])
    try eventually("run does not come up: \(running.errors)") {
      running.errors.contains("sshd listens on") || !running.isRunning
    }
    try #require(running.isRunning, "\(running.errors)")
    return running
  }

  private func listener() throws -> ProcessIdentity { try #require(RunRecord.read(Home(path: server.home))).listener }

  private func isAlive(_ process: ProcessIdentity) -> Bool {
    process.isLivingSSHD(ProcessTable.process(process.pid), bootID: ProcessTable.bootID(), uid: geteuid())
  }

  private func stop(_ running: SpawnedProcess) throws -> SpawnedProcess.Result {
    let begin = ContinuousClock.now
    running.signal(SIGTERM)
    let result = running.result()
    #expect(ContinuousClock.now - begin < .seconds(8))
    #expect(SocketTable.current().holder(of: listen.port) == nil)
    return result
  }

  /// A device's connection that holds its claim and its port, as `ssh` makes it.
  private struct Tunnel {
    var control: String
    var process: SpawnedProcess
  }

  private func tunnel(_ number: Int) throws -> Tunnel {
    let control = "\(folder.path)/control-\(number)"
    let account = try Account.current().name
    let process = try SpawnedProcess(
      "ssh", options + ["-i", "\(folder.path)/device", "-M", "-S", control, "-N", "\(account)@127.0.0.1"],
      environment: ["PATH": "/usr/bin:/bin"], input: "")
    try eventually("the device does not connect: \(process.errors)") { FileManager.default.fileExists(atPath: control) }
    return Tunnel(control: control, process: process)
  }

  private func claim(_ tunnel: Tunnel, bootID: String = "b", hostKeys: [PublicKey] = []) throws -> ClaimReply {
    let body = ClaimBody(
      agentVersion: "0.1.0", bootID: bootID, keepalive_s: 10, facts: ["os": "test"], hostKeys: hostKeys)
    let result = try ssh("device", "claim", extra: ["-S", tunnel.control], body: body.line + "\n")
    switch try result.reply() {
    case .ok(let fields): return try ClaimReply(fields)
    case .refused(let refusal): throw refusal
    }
  }

  private func forward(_ tunnel: Tunnel, port: TCPPort, to target: TCPPort) throws {
    let result = try Subprocess.run(
      "ssh",
      options + ["-S", tunnel.control, "-O", "forward", "-R", "127.0.0.1:\(port):127.0.0.1:\(target)", "127.0.0.1"])
    try #require(result.status == 0, "\(result.errors)")
  }

  private func provision(_ name: String) throws -> ProvisionReply {
    let key = try #require(FileReading.line(of: folder.path + "/device.pub"))
    let body = ProvisionBody(
      key: try PublicKey(parsing: key), user: try LoginName(validating: "pi"), tags: [:], hostKeysFromFirstClaim: true)
    guard case .ok(let fields) = try ssh("operator", "provision \(name)", body: body.line + "\n").reply() else {
      return try #require(nil)
    }
    return try ProvisionReply(fields)
  }

  private func show(_ name: String) throws -> ShowReply {
    guard case .ok(let fields) = try ssh("operator", "show \(name)").reply() else { return try #require(nil) }
    return try ShowReply(fields)
  }

  private func status(_ name: String) throws -> DeviceStatus { try show(name).device }

  @Test func itServesOperatorsAndEndsOnSIGTERM() throws {
    let running = try start()
    let version = try ssh("operator", "version")
    #expect(version.status == 0 && version.output.contains(#""operator":"bob""#), "\(version.errors)")
    let sshd = try listener()
    #expect(isAlive(sshd))
    #expect(try stop(running).status == 0)
    #expect(!isAlive(sshd))
  }

  @Test func anSSHDThatDiesIsStartedAgain() throws {
    let running = try start()
    let first = try listener()
    kill(first.pid, SIGKILL)
    try eventually("sshd does not come back: \(running.errors)") { try listener() != first && isAlive(try listener()) }
    try eventually("it does not listen") { SocketTable.current().holder(of: listen.port) != nil }
    #expect(try ssh("operator", "version").status == 0)
    #expect(running.errors.contains("starting it again"))
    #expect(try stop(running).status == 0)
  }

  @Test func onlyOneRunsAndATakenPortIsTold() throws {
    let running = try start()
    let second = try server.run(["run"])
    #expect(second.status == 1 && second.errors.contains("another fleet-server works on"))
    let other = BuiltServer(home: folder.path + "/other")
    try other.initialise(listen: listen.description)
    let third = try other.run(["run"])
    #expect(third.status == 1 && third.errors.contains("another process listens on \(listen) already"))
    #expect(try stop(running).status == 0)
  }

  @Test func tunnelsOutliveAKilledRunAndTheNextOneTakesOver() throws {
    let running = try start()
    let device = try provision("box")
    let tunnel = try tunnel(1)
    #expect(try !claim(tunnel).tookOver)
    try forward(tunnel, port: device.port, to: listen.port)
    let first = try listener()
    running.signal(SIGKILL)
    _ = running.result()
    #expect(isAlive(first))
    let next = try start()
    #expect(try !isAlive(first) && isAlive(listener()))
    #expect(try status("box").state == .online, "the tunnel stayed up")
    #expect(SocketTable.current().holder(of: device.port) == geteuid())
    #expect(try stop(next).status == 0)
    #expect(SocketTable.current().holder(of: device.port) == nil, "tunnels of an earlier run end too")
    try eventually("the device's ssh does not end") { !tunnel.process.isRunning }
  }

  @Test func aDeviceComesIsTakenOverAndGoes() throws {
    let running = try start()
    let device = try provision("box")
    #expect(try status("box").state == .offline)
    let old = try tunnel(1)
    #expect(try !claim(old, hostKeys: [try sampleKey(40)]).tookOver)
    try forward(old, port: device.port, to: listen.port)
    let online = try status("box")
    #expect(online.state == .online && online.enrolled && online.rtt_ms != nil && online.facts == ["os": "test"])
    let report = try ssh("device", "report", extra: ["-S", old.control], body: ReportBody(sshd: .down).line + "\n")
    #expect(report.status == 0)
    #expect(try status("box").note == "ssh down on the device")

    // The tunnel leads to HostA's own sshd here: its banner comes back after the header.
    let bridged = try ssh("operator", "connect box", body: "not ssh\r\n").output.split(separator: "\n")
    guard case .ok(let header)? = try bridged.first.map({ try Reply(parsing: Array($0.utf8)) }) else {
      return try #require(Bool(false), "\(bridged)")
    }
    #expect(try ConnectHeader(header).hostKeys == [try sampleKey(40)])
    #expect(bridged.dropFirst().first?.hasPrefix("SSH-2.0-OpenSSH") == true)

    let new = try tunnel(2)
    let begin = ContinuousClock.now
    #expect(try claim(new, hostKeys: [try sampleKey(41)]).tookOver)
    #expect(ContinuousClock.now - begin < .seconds(5))
    try eventually("the old connection does not end") { !old.process.isRunning }
    try forward(new, port: device.port, to: listen.port)
    #expect(try status("box").state == .online)
    try eventually("the watch writes no transition") {
      try Registry.open(Home(path: server.home)).devicesRecordedOnline() == [device.device]
    }
    #expect(try stop(running).status == 0)
    let registry = try Registry.open(Home(path: server.home))
    #expect(try registry.devicesRecordedOnline().isEmpty)
    let found = try #require(try registry.devices().first)
    #expect(found.lastSeen_s != nil)
    #expect(try found.hostKeys == [sampleKey(40)], "later keys are not adopted")
    let rows = try registry.read { db in
      try Row.fetchAll(
        db,
        sql:
          "SELECT action, actor, remote_address, bytes_to_device, bytes_from_device FROM audit WHERE action LIKE '%connect'"
      )
    }
    #expect(rows.map { $0["action"] as String } == ["connect", "disconnect"])
    #expect((rows[1]["actor"] as String) == "bob")
    #expect((rows[1]["remote_address"] as String) == "127.0.0.1")
    #expect((rows[1]["bytes_to_device"] as Int64) == 9)
    #expect((rows[1]["bytes_from_device"] as Int64) > 20)
  }

  /// A device that claims before it knows its host keys reports them; they count for as long as HostA has none.
  @Test func reportedHostKeysAreTakenOnceAndOnlyFromWhoHoldsTheClaim() throws {
    let running = try start()
    let device = try provision("box")
    let tunnel = try tunnel(1)
    _ = try claim(tunnel)
    try forward(tunnel, port: device.port, to: listen.port)
    #expect(try !status("box").enrolled)
    func report(_ key: Int, on control: String) throws -> Reply {
      let body = ReportBody(sshd: .up, hostKeys: [try sampleKey(key)])
      return try ssh("device", "report", extra: ["-S", control], body: body.line + "\n").reply()
    }

    // Another connection with the device's own key, which did not claim.
    guard case .refused(let refusal) = try report(40, on: "none") else { return try #require(Bool(false)) }
    #expect(refusal.code == .requestRefused)
    #expect(try !status("box").enrolled)

    #expect(try report(41, on: tunnel.control) == .ok([:]))
    #expect(try status("box").enrolled)
    #expect(try report(42, on: tunnel.control) == .ok([:]))
    _ = try status("box")
    let registry = try Registry.open(Home(path: server.home))
    #expect(try registry.devices().first?.hostKeys == [sampleKey(41)], "later keys are not adopted")
    #expect(try stop(running).status == 0)
  }

  @Test func olderEntriesOfALargeAuditAreMovedIntoAFile() throws {
    let home = Home(path: server.home)
    try Registry.open(home).write { db in
      try db.execute(
        sql: """
          INSERT INTO audit (id, at_s, actor, action, hash)
          WITH RECURSIVE n (id) AS (SELECT MAX(id) + 1 FROM audit UNION ALL SELECT id + 1 FROM n WHERE id < 100001)
          SELECT id, 1000, 'alice', 'tag', 'x' FROM n
          """)
    }
    let running = try start()
    try eventually("nothing is moved: \(running.errors)", within: .seconds(90)) {
      running.errors.contains("moved 50001 entries")
    }
    #expect(try Registry.open(home).auditNumbers() == 50_002...100_001)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: home.audit).sorted() == [
        "000000000001.jsonl", "000000050001.jsonl",
      ])
    #expect(try stop(running).status == 0)
  }

  @Test func aPortThatAnotherConnectionOfOursHoldsIsToldInTime() throws {
    let running = try start()
    let device = try provision("box")
    let squatter = try LoopbackListener(port: device.port)
    defer { squatter.end() }
    let tunnel = try tunnel(1)
    let body = ClaimBody(agentVersion: "0", bootID: "b", keepalive_s: 10, facts: [:], hostKeys: [])
    let result = try ssh("device", "claim", extra: ["-S", tunnel.control], body: body.line + "\n")
    guard case .refused(let refusal) = try result.reply() else { return try #require(Bool(false)) }
    #expect(refusal.code == .portInUse)
    #expect(try stop(running).status == 0)
  }

  @Test func twoBoxesWithOneKeyAreToldAndTheFirstKeepsThePort() throws {
    let running = try start()
    let device = try provision("box")
    var last: Tunnel?
    for (number, boot) in ["A", "B", "A", "B", "A"].enumerated() {
      let next = try tunnel(number)
      #expect(try claim(next, bootID: boot).tookOver == (number > 0))
      last = next
    }
    let holder = try #require(last)
    try forward(holder, port: device.port, to: listen.port)
    let told = try status("box")
    #expect(told.state == .duplicate && told.note?.contains("two boxes use its key") == true, "\(told)")
    let other = try tunnel(5)
    for _ in 0..<2 {
      let refusal = #expect(throws: Refusal.self) { try claim(other, bootID: "B") }
      #expect(refusal?.code == .deviceDuplicate)
    }
    #expect(holder.process.isRunning && other.process.isRunning, "nobody is ended any more")
    #expect(try status("box").state == .duplicate)
    let session = try ssh("operator", "connect box", body: "not ssh\r\n")
    guard case .refused(let refusal) = try session.reply() else { return try #require(Bool(false)) }
    #expect(refusal.code == .deviceNotEnrolled, "it goes on as far as for any device")

    // Provisioned again with the same key, whoever comes next has the port.
    _ = try provision("box")
    #expect(try status("box").state == .online)
    #expect(try claim(other, bootID: "B").tookOver)
    #expect(try stop(running).status == 0)
  }

  @Test func aRestartLosesNothing() throws {
    let first = try start()
    let device = try provision("box")
    let before = try tunnel(1)
    #expect(try claim(before, hostKeys: [try sampleKey(40)]).port == device.port)
    try forward(before, port: device.port, to: listen.port)
    try eventually("the watch writes no transition") {
      try Registry.open(Home(path: server.home)).devicesRecordedOnline() == [device.device]
    }
    #expect(try show("box").outages.isEmpty)
    #expect(try stop(first).status == 0)

    let second = try start()
    let away = try show("box")
    #expect(away.device.state == .offline && away.device.enrolled && away.outages.count == 1, "\(away)")
    #expect(away.outages.first?.to == nil)
    let after = try tunnel(2)
    #expect(try !claim(after).tookOver)
    try forward(after, port: device.port, to: listen.port)
    try eventually("the outage does not end") { try show("box").outages.first?.to != nil }
    let outage = try #require(try show("box").outages.first)
    #expect(outage.from >= away.device.provisioned && outage.length_s ?? -1 >= 0)
    let again = try provision("box")
    #expect(!again.created && again.port == device.port)
    #expect(try stop(second).status == 0)
  }

  @Test func aFleetOfManyIsGivenALongerWindow() throws {
    let running = try start()
    _ = try provision("box")
    let home = Home(path: server.home)
    let registry = try Registry.open(home)
    let range = try #require(PortRange(parsing: "20000-29999"))
    for number in 0..<600 {
      _ = try registry.provision(
        try DeviceName(validating: "other-\(number)"), body: try sampleBody(1000 + number),
        id: DeviceID(random: UInt64(1000 + number)), range: range, portsInUse: [], by: .host, now_s: 1)
    }
    // The next change of the registry writes all of them into the key file.
    #expect(try !provision("box").created)
    #expect(KeyFile.deviceCount(home: home) == 601)
    let reply = try claim(try tunnel(1))
    #expect(
      reply.reconnectWindow_s
        == ReconnectWindow.seconds(devices: 601, cores: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    #expect(try stop(running).status == 0)
  }
}
