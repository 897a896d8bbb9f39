import FleetProtocol
import GRDB
import Testing

@testable import FleetServer

/// Several people on one HostA: what they are let at, what they left in the log, and what they have queued.
@Suite struct RegistryOperatorTests {
  private let folder: TemporaryFolder
  private let registry: Registry
  private let kitchen: DeviceName
  private let attic: DeviceName
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")
  private let bob = AuditActor(name: "bob", remoteAddress: "192.0.2.2")
  /// Held to what is in Berlin.
  private let held: AuditActor

  init() throws {
    folder = try TemporaryFolder()
    registry = try Registry.create(try folder.home())
    kitchen = try DeviceName(validating: "kitchen-pi")
    attic = try DeviceName(validating: "attic-pi")
    held = AuditActor(
      name: "hugo", access: OperatorAccess(role: .admin, devices: try DeviceSelector(["tag=site:berlin"])))
    for (number, name) in ["alice", "bob", "hugo"].enumerated() {
      _ = try registry.addOperator(
        try OperatorName(validating: name), key: try sampleKey(number + 1), by: .host, now_s: 1)
    }
    try provision(kitchen, 11, tags: ["site": "berlin"])
    try provision(attic, 12, tags: ["site": "bonn"])
  }

  @discardableResult private func provision(
    _ name: DeviceName, _ number: Int, tags: [String: String], by actor: AuditActor? = nil
  ) throws -> Registry.Lease {
    var body = try sampleBody(number)
    body.tags = tags
    return try registry.provision(
      name, body: body, id: DeviceID(random: UInt64(number)), range: try #require(PortRange(parsing: "20000-20009")),
      portsInUse: [], by: actor ?? alice, now_s: 1000)
  }

  private func code(_ body: () throws -> Void) -> Refusal.Code? {
    do { try body() } catch { return (error as? Refusal)?.code }
    return nil
  }

  private func log(_ name: DeviceName? = nil, since: Int64? = nil, limit: Int = 100, by actor: AuditActor? = nil) throws
    -> [String]
  {
    let body = LogBody(device: name, since: since.map { Timestamp(seconds: $0) }, limit: limit)
    return try registry.log(body, for: actor?.access ?? .everything).entries.map {
      "\($0.actor) \($0.action) \($0.device ?? "-")" + ($0.duration_s.map { " \($0) s" } ?? "")
    }
  }

  // MARK: operators

  @Test func anOperatorIsAnAdminForEveryDeviceUnlessSomethingElseIsSaid() throws {
    let eve = try OperatorName(validating: "eve")
    #expect(try registry.addOperator(eve, key: try sampleKey(9), by: .host, now_s: 1) == .added)
    #expect(try registry.access(of: eve) == .everything)
    let berlin = try DeviceSelector(["tag=site:berlin", "!tag=old"])
    #expect(
      try registry.addOperator(eve, key: try sampleKey(9), role: .viewer, devices: berlin, by: .host, now_s: 2)
        == .changed)
    #expect(try registry.access(of: eve) == OperatorAccess(role: .viewer, devices: berlin))
    #expect(
      try registry.addOperator(eve, key: try sampleKey(9), by: .host, now_s: 3) == .unchanged, "no gift of rights")
    #expect(try registry.addOperator(eve, key: try sampleKey(9), role: .operator, by: .host, now_s: 4) == .changed)
    #expect(try registry.access(of: eve) == OperatorAccess(role: .operator, devices: berlin))
    #expect(try registry.addOperator(eve, key: try sampleKey(9), devices: .everything, by: .host, now_s: 5) == .changed)
    #expect(try registry.access(of: eve) == OperatorAccess(role: .operator, devices: .everything))
    let details = try registry.log(LogBody(device: nil, since: nil, limit: 4), for: .everything).entries.map(\.detail)
    #expect(
      details == [
        "eve, admin", "eve, viewer, tag=site:berlin !tag=old", "eve, operator, tag=site:berlin !tag=old",
        "eve, operator",
      ])
  }

  @Test func whatTheRegistryDoesNotUnderstandLetsNobodyIn() throws {
    let hugo = try OperatorName(validating: "hugo")
    for change in ["role = 'root'", "devices = 'colour=red'"] {
      try registry.write { try $0.execute(sql: "UPDATE operators SET \(change) WHERE name = 'hugo'") }
      #expect(code { _ = try registry.access(of: hugo) } != nil, "\(change)")
      try registry.write {
        try $0.execute(sql: "UPDATE operators SET role = 'admin', devices = '' WHERE name = 'hugo'")
      }
    }
    #expect(code { _ = try registry.access(of: try OperatorName(validating: "nobody")) } == .denied)
  }

  // MARK: the selector, before and after each change

  @Test func whoIsHeldChangesOnlyWhatTheSelectorMeansBeforeAndAfter() throws {
    let cellar = try DeviceName(validating: "cellar-pi")
    func body(_ number: Int, _ site: String?) throws -> ProvisionBody {
      var body = try sampleBody(number)
      body.tags = site.map { ["site": $0] } ?? [:]
      return body
    }
    let before = try registry.devices()
    let overstepping: [(String, () throws -> Void)] = [
      ("rename", { _ = try registry.rename(attic, to: cellar, by: held, now_s: 5) }),
      ("tag", { _ = try registry.tag(attic, TagBody(set: ["site": "berlin"], remove: []), by: held, now_s: 5) }),
      ("tag away", { _ = try registry.tag(kitchen, TagBody(set: [:], remove: ["site"]), by: held, now_s: 5) }),
      ("replace", { _ = try registry.replace(attic, body: try body(13, "berlin"), by: held, now_s: 5) }),
      ("replace away", { _ = try registry.replace(kitchen, body: try body(13, "bonn"), by: held, now_s: 5) }),
      ("remove", { try registry.removeDevice(attic, by: held, now_s: 5) }),
      ("rekey", { _ = try registry.rekey(attic, by: held, now_s: 5) }),
      ("enroll", { _ = try registry.enroll(attic, hostKeys: [try sampleKey(20)], by: held, now_s: 5) }),
      ("provision", { try provision(cellar, 13, tags: [:], by: held) }),
      ("provision elsewhere", { try provision(cellar, 13, tags: ["site": "bonn"], by: held) }),
      ("provision again", { try provision(attic, 12, tags: ["site": "berlin"], by: held) }),
      ("provision away", { try provision(kitchen, 11, tags: ["site": "bonn"], by: held) }),
    ]
    for (what, action) in overstepping { #expect(code(action) == .denied, "\(what)") }
    #expect(try registry.devices() == before)
    let byName = AuditActor(
      name: "bob", access: OperatorAccess(role: .admin, devices: try DeviceSelector(["kitchen-*"])))
    #expect(code { _ = try registry.rename(kitchen, to: cellar, by: byName, now_s: 5) } == .denied)

    // The same on what is theirs.
    #expect(try registry.rekey(kitchen, by: held, now_s: 6).name == kitchen)
    #expect(try registry.enroll(kitchen, hostKeys: [try sampleKey(20)], by: held, now_s: 6))
    #expect(try registry.tag(kitchen, TagBody(set: ["floor": "2"], remove: []), by: held, now_s: 6).count == 2)
    #expect(try provision(cellar, 13, tags: ["site": "berlin"], by: held).created)
    #expect(try registry.replace(kitchen, body: try body(14, nil), by: held, now_s: 6).isNew, "its tag stays")
    #expect(try registry.rename(kitchen, to: try DeviceName(validating: "hall-pi"), by: held, now_s: 6))
    #expect(try registry.removeDevice(cellar, by: held, now_s: 7).name == cellar)
  }

  @Test func ofManyDevicesThoseBeyondTheSelectorAreRefused() throws {
    let rows = try (0..<3).map { number in
      var body = try sampleBody(30 + number)
      body.tags = ["site": number == 1 ? "bonn" : "berlin"]
      return Result<NamedProvisionBody, Refusal>.success(
        NamedProvisionBody(name: try DeviceName(validating: "box-\(number)"), body: body))
    }
    let results = try registry.provisionMany(
      rows, range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: held, now_s: 5
    ) { DeviceID(random: .random(in: 100...UInt64.max)) }
    let codes = results.map { (result) -> Refusal.Code? in
      if case .failure(let refusal) = result { return refusal.code }
      return nil
    }
    #expect(codes == [nil, .denied, nil])
    #expect(try registry.devices().map(\.name.rawValue) == ["attic-pi", "box-0", "box-2", "kitchen-pi"])
  }

  @Test func nobodyHearsOfNamesThatAreNotTheirs() throws {
    let near = try DeviceName(validating: "attic-p")
    let refusal = #expect(throws: Refusal.self) { try registry.device(named: near, for: held.access) }
    #expect(refusal?.code == .noSuchDevice && refusal?.hint?.contains("attic-pi") == false)
    #expect(try registry.listedDevices(named: [attic, kitchen]).map(\.name) == [attic, kitchen])
    #expect(try registry.listedDevices(named: [near]).isEmpty)
    #expect(try registry.listedDevices() == registry.devices().map(\.listed))
  }

  // MARK: the log

  @Test func aConnectionIsOneEntry() throws {
    let device = try registry.device(named: kitchen)
    let row = try registry.auditConnect(device, by: bob, now_s: 2000)
    _ = try registry.auditConnect(device, by: alice, now_s: 2010)
    #expect(try log(kitchen) == ["alice provision kitchen-pi", "bob connect kitchen-pi", "alice connect kitchen-pi"])
    try registry.auditDisconnect(
      device, by: bob, connection: row, duration_s: 62, bytesToDevice: 4, bytesFromDevice: 5, now_s: 2062)
    #expect(
      try log(kitchen) == ["alice provision kitchen-pi", "bob connect kitchen-pi 62 s", "alice connect kitchen-pi"])
    let entry = try registry.log(LogBody(device: kitchen, since: nil, limit: 2), for: .everything).entries[0]
    #expect(
      entry
        == LogEntry(
          at: Timestamp(seconds: 2000), actor: "bob", action: "connect", device: "kitchen-pi",
          remoteAddress: "192.0.2.2",
          duration_s: 62, bytesToDevice: 4, bytesFromDevice: 5))
  }

  @Test func theLogIsFoundUnderEarlierNamesAndAfterARemoval() throws {
    let hall = try DeviceName(validating: "hall-pi")
    _ = try registry.rename(kitchen, to: hall, by: alice, now_s: 2000)
    #expect(try log(hall) == ["alice provision kitchen-pi", "alice rename kitchen-pi"])
    try registry.removeDevice(hall, by: alice, now_s: 2001)
    #expect(try log(hall) == ["alice remove hall-pi"])
    #expect(code { _ = try log(try DeviceName(validating: "never-there")) } == .noSuchDevice)
  }

  @Test func theLogHasItsBounds() throws {
    for now_s in Int64(1)...5 { _ = try registry.rekey(kitchen, by: bob, now_s: 3000 + now_s) }
    #expect(try log(limit: 2) == ["bob rekey kitchen-pi", "bob rekey kitchen-pi"])
    #expect(try log(since: 3004).count == 2)
    #expect(try log(attic, since: 3000).isEmpty)
    let tags = Dictionary(uniqueKeysWithValues: (0..<20).map { ("t\($0)", String(repeating: "ü", count: 120)) })
    _ = try registry.tag(kitchen, TagBody(set: tags, remove: []), by: bob, now_s: 4000)
    let entry = try registry.log(LogBody(device: nil, since: nil, limit: 1), for: .everything).entries[0]
    #expect(try LogEntry(entry.object) == entry, "no entry is longer than a laptop takes")
  }

  @Test func whoIsHeldSeesOnlyWhatConcernsTheirDevices() throws {
    try provision(try DeviceName(validating: "gone-pi"), 15, tags: ["site": "berlin"])
    try registry.removeDevice(try DeviceName(validating: "gone-pi"), by: alice, now_s: 5)
    #expect(try log(by: held) == ["alice provision kitchen-pi"])
    #expect(code { _ = try log(attic, by: held) } == .denied)
    #expect(try log(try DeviceName(validating: "gone-pi"), by: held).isEmpty)
    #expect(try log().count == 7, "operators, devices, and what was removed")
  }

  // MARK: the queue

  private func queued(_ names: [DeviceName], by actor: AuditActor, expires_s: Int64 = 100, now_s: Int64 = 5000) throws
    -> QueueID
  {
    try registry.addToQueue(
      QueueBody(command: "uptime", devices: names, expires_s: expires_s), by: actor, now_s: now_s
    ) { QueueID(random: .random(in: .min ... .max)) }
  }

  private func states(of actor: AuditActor, now_s: Int64 = 5001) throws -> [String] {
    try registry.queue(of: actor, now_s: now_s).map { "\($0.device) \($0.state.rawValue)" }
  }

  @Test func aCommandIsTakenOnceAndReportedOnce() throws {
    let id = try queued([kitchen, attic, kitchen], by: alice)
    #expect(try states(of: alice) == ["attic-pi waiting", "kitchen-pi waiting"])
    #expect(try registry.takeFromQueue(id, kitchen, by: alice, now_s: 5002) == "uptime")
    #expect(code { _ = try registry.takeFromQueue(id, kitchen, by: alice, now_s: 5002) } == .queuedCommandGone)
    #expect(try states(of: alice) == ["attic-pi waiting", "kitchen-pi taken"])
    #expect(
      code { try registry.reportToQueue(id, attic, status: 0, by: alice, now_s: 5003) } == .noSuchQueuedCommand,
      "it was not taken")
    try registry.reportToQueue(id, kitchen, status: 3, by: alice, now_s: 5003)
    try registry.reportToQueue(id, kitchen, status: 0, by: alice, now_s: 5004)
    let done = try #require(try registry.queue(of: alice, now_s: 5005).last)
    #expect(done.state == .done && done.status == 3 && done.taken == Timestamp(seconds: 5002))
    #expect(
      try log(kitchen).suffix(3)
        == ["alice queue-add kitchen-pi", "alice queue-take kitchen-pi", "alice queue-done kitchen-pi"])
  }

  @Test func everybodyHasToDoWithTheirOwnCommandsOnly() throws {
    let id = try queued([kitchen], by: alice)
    #expect(try states(of: bob).isEmpty)
    #expect(code { _ = try registry.takeFromQueue(id, kitchen, by: bob, now_s: 5001) } == .queuedCommandGone)
    #expect(code { _ = try registry.cancelInQueue(id, by: bob, now_s: 5001) } == .noSuchQueuedCommand)
    _ = try registry.takeFromQueue(id, kitchen, by: alice, now_s: 5001)
    #expect(code { try registry.reportToQueue(id, kitchen, status: 0, by: bob, now_s: 5001) } == .noSuchQueuedCommand)
  }

  @Test func oneRefusedDeviceQueuesNothing() throws {
    #expect(code { _ = try queued([kitchen, attic], by: held) } == .denied)
    #expect(code { _ = try queued([kitchen, try DeviceName(validating: "nobody")], by: alice) } == .noSuchDevice)
    #expect(try states(of: held).isEmpty && states(of: alice).isEmpty)
    let id = try queued([kitchen], by: held)
    // The device moves: what was queued for it is out of reach, and comes back with it.
    _ = try registry.tag(kitchen, TagBody(set: ["site": "bonn"], remove: []), by: alice, now_s: 5001)
    #expect(try states(of: held).isEmpty)
    #expect(code { _ = try registry.takeFromQueue(id, kitchen, by: held, now_s: 5001) } == .denied)
    _ = try registry.tag(kitchen, TagBody(set: ["site": "berlin"], remove: []), by: alice, now_s: 5001)
    #expect(try registry.takeFromQueue(id, kitchen, by: held, now_s: 5001) == "uptime")
  }

  @Test func aCommandExpiresAndIsForgottenAWeekLater() throws {
    let id = try queued([kitchen], by: alice, expires_s: 100)
    let taken = try queued([attic], by: alice, expires_s: 100)
    _ = try registry.takeFromQueue(taken, attic, by: alice, now_s: 5099)
    #expect(code { _ = try registry.takeFromQueue(id, kitchen, by: alice, now_s: 5100) } == .queuedCommandGone)
    #expect(try Set(states(of: alice, now_s: 5100)) == ["kitchen-pi expired", "attic-pi taken"])
    let week_s: Int64 = 7 * 86_400
    #expect(try Set(states(of: alice, now_s: 5100 + week_s)) == ["kitchen-pi expired"])
    #expect(try states(of: alice, now_s: 5101 + week_s).isEmpty)
    _ = try queued([attic], by: bob, now_s: 5101 + week_s)
    #expect(try registry.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM queue") } == 1)
  }

  @Test func whatWaitsIsCancelled() throws {
    let id = try queued([kitchen, attic], by: alice)
    _ = try registry.takeFromQueue(id, kitchen, by: alice, now_s: 5001)
    #expect(try registry.cancelInQueue(id, by: alice, now_s: 5002) == 1)
    #expect(try registry.cancelInQueue(id, by: alice, now_s: 5002) == 0)
    #expect(try states(of: alice) == ["kitchen-pi taken"])
    #expect(code { _ = try registry.takeFromQueue(id, attic, by: alice, now_s: 5003) } == .queuedCommandGone)
  }

  @Test func theQueueGoesWithTheDeviceAndWithTheOperator() throws {
    _ = try queued([kitchen, attic], by: alice)
    _ = try queued([kitchen], by: bob)
    try registry.removeDevice(kitchen, by: alice, now_s: 5001)
    #expect(try states(of: alice) == ["attic-pi waiting"] && states(of: bob).isEmpty)
    #expect(try registry.removeOperator(try OperatorName(validating: "alice"), by: .host, now_s: 5002) == 2)
    #expect(try registry.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM queue") } == 0)
  }
}
