import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// Older entries go into files, and the chain does not notice, wherever the rotation is cut off.
@Suite struct AuditRotationTests {
  private let folder: TemporaryFolder
  private let home: Home
  private let registry: Registry
  private let alice = AuditActor(name: "alice", remoteAddress: "192.0.2.1")

  init() throws {
    folder = try TemporaryFolder()
    home = try folder.home()
    registry = try Registry.create(home)
  }

  private func add(_ count: Int) throws {
    try registry.write { db in
      for _ in 0..<count { try Registry.audit(.tag, by: alice, now_s: 1000, detail: "a=b", db) }
    }
  }

  @discardableResult private func rotate(_ kept: Int64) throws -> Int64 {
    try AuditRotation(home: home, registry: registry).run(AuditRotationRule(most: kept, kept: kept))
  }

  private var summary: AuditReading.Summary {
    get throws { try AuditReading(home: home, registry: registry).check() }
  }

  private var rows: Int {
    get throws { try registry.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM audit") } ?? -1 }
  }

  private var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: home.audit).sorted() }
  }

  private func fault() -> String? {
    do { _ = try summary } catch { return (error as? Refusal)?.message }
    return nil
  }

  @Test func onlyWhatIsTooMuchIsMoved() {
    let rule = AuditRotationRule(most: 100, kept: 50)
    #expect(rule.lastToMove(of: 1...100) == nil)
    #expect(rule.lastToMove(of: 1...101) == 51)
    #expect(rule.lastToMove(of: 52...152) == 102)
    #expect(AuditRotationRule(most: 0, kept: 0).lastToMove(of: 7...9) == 9)
    #expect(AuditRotationRule.automatic.most > Int64(LogBody.mostEntries))
  }

  @Test func theChainGoesOnOverFiles() throws {
    try add(30)
    #expect(try rotate(20) == 10 && rotate(20) == 0)
    try add(10)
    #expect(try rotate(5) == 25)
    #expect(try files == ["000000000001.jsonl", "000000000011.jsonl"])
    #expect(try rows == 5 && summary.count == 40 && summary.rotated == 35)
    #expect(try rotate(0) == 5 && rows == 0 && summary.count == 40)
    try add(1)
    #expect(try summary.count == 41 && rows == 1)
    let mode = try FileManager.default.attributesOfItem(atPath: home.audit + "/000000000001.jsonl")[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test func damagedFilesAreTold() throws {
    try add(30)
    try rotate(10)
    let file = home.audit + "/000000000001.jsonl"
    let good = try String(contentsOfFile: file, encoding: .utf8)
    func with(_ text: String) throws -> String? {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      return fault()
    }
    let place = ", in the files of HostA's folder 'audit'"
    let lines = good.split(separator: "\n").map(String.init)
    func joined(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
    #expect(try with(good) == nil)
    #expect(
      try with(good.replacing(#""n":7,"at":"1970"#, with: #""n":7,"at":"1971"#))?.hasSuffix(
        "entry 7 was changed" + place) == true)
    #expect(try with(joined(Array(lines[1...])))?.hasSuffix("entry 1 is missing" + place) == true)
    #expect(try with(joined(Array(lines[..<18])))?.hasSuffix("entries 19 to 20 are missing" + place) == true)
    #expect(
      try with(joined(lines[..<4] + ["garbage"] + lines[5...]))?.hasSuffix("entry 5 cannot be read" + place) == true)
    try FileManager.default.removeItem(atPath: file)
    #expect(fault()?.hasSuffix("entries 1 to 20 are missing" + place) == true)
    #expect(try with(good) == nil)
  }

  /// The states that a rotation can be cut off in: a file half written, and a file on the disk whose rows are there still.
  @Test func aRotationThatWasCutOffIsDoneAgain() throws {
    try add(30)
    try FileManager.default.createDirectory(atPath: home.audit, withIntermediateDirectories: false)
    try "half a li".write(toFile: home.audit + "/000000000001.jsonl.new", atomically: false, encoding: .utf8)
    #expect(try summary.count == 30)

    let found = try registry.auditLines(after: 0, upTo: 10, limit: 10)
    try AuditFolder(path: home.audit).write(found.lines, first: 1)
    #expect(try summary == .init(count: 30, rotated: 0, from: Timestamp(seconds: 1000), to: Timestamp(seconds: 1000)))

    try add(5)
    #expect(try rotate(15) == 20)
    #expect(try summary.count == 35 && summary.rotated == 20)
    #expect(try files == ["000000000001.jsonl"])
  }

  /// After a restored backup the registry tells another story than a file.
  @Test func aFileThatSaysSomethingElseIsKept() throws {
    try add(10)
    let file = home.audit + "/000000000001.jsonl"
    try FileManager.default.createDirectory(atPath: home.audit, withIntermediateDirectories: false)
    for (number, story) in ["first\n", "second\n"].enumerated() {
      try story.write(toFile: file, atomically: true, encoding: .utf8)
      try AuditFolder(path: home.audit).write(try registry.auditLines(after: 0, limit: 5).lines, first: 1)
      #expect(try String(contentsOfFile: "\(file).\(number + 1)", encoding: .utf8) == story)
    }
    #expect(try rotate(5) == 5 && summary.count == 10 && files.count == 3)
  }

  @Test func theLogTellsWhatIsInFilesAndWhatEndsLater() throws {
    let lease = try registry.provision(
      try DeviceName(validating: "kitchen-pi"), body: try sampleBody(11), id: DeviceID(random: 11),
      range: try #require(PortRange(parsing: "20000-20009")), portsInUse: [], by: alice, now_s: 1000)
    let device = try registry.device(named: try DeviceName(validating: "kitchen-pi"))
    #expect(lease.created)
    let connection = try registry.auditConnect(device, by: alice, now_s: 2000)
    try add(10)
    func log(since: Int64? = nil, limit: Int = 100, access: OperatorAccess = .everything) throws -> (String, Int64) {
      let body = LogBody(device: nil, since: since.map { Timestamp(seconds: $0) }, limit: limit)
      let found = try registry.log(body, for: access)
      return (found.entries.map(\.action).joined(separator: " "), found.earlier)
    }
    #expect(try log(limit: 2) == ("tag tag", 0))
    try rotate(3)
    #expect(try log() == ("tag tag tag", 9))
    #expect(try log(limit: 3) == ("tag tag tag", 0), "there may be more in the registry")
    #expect(try log(since: 2001).1 == 0)
    let held = OperatorAccess(role: .admin, devices: try DeviceSelector(["kitchen-*"]))
    #expect(try log(access: held) == ("", 0))
    try registry.auditDisconnect(
      device, by: alice, connection: connection, duration_s: 62, bytesToDevice: 4, bytesFromDevice: 5, now_s: 2062)
    #expect(try log() == ("tag tag tag disconnect", 9))
    let end = try #require(try registry.log(LogBody(device: nil, since: nil, limit: 1), for: held).entries.first)
    #expect(end.duration_s == 62 && end.bytesToDevice == 4 && end.device == "kitchen-pi")
  }

  /// Killed at any moment: each entry is there still, and the next rotation finishes what was begun.
  @Test func aRotationThatIsKilledLosesNothing() throws {
    try add(3000)
    let server = BuiltServer(home: home.path)
    var left: Int64 = 3000
    let start = ContinuousClock.now
    _ = try server.run(["audit", "rotate", "--keep", "2900"])
    let whole = ContinuousClock.now - start
    for step in 0..<16 where left > 0 {
      left -= 180
      let process = try server.start(["audit", "rotate", "--keep", "\(left)"])
      var patience = whole * step / 14
      while process.isRunning, patience > .zero {
        usleep(1000)
        patience -= .milliseconds(1)
      }
      process.signal(SIGKILL)
      _ = process.result()
      #expect(try summary.count == 3000, "step \(step)")
    }
    #expect(try server.run(["audit", "rotate", "--keep", "10"]).status == 0)
    #expect(try rows == 10 && summary.count == 3000 && summary.rotated == 2990)
    let verified = try server.run(["audit", "verify"])
    #expect(verified.status == 0 && verified.output.contains("3000 entries"), "\(verified)")
  }
}
