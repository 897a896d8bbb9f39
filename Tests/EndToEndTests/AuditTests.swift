import Foundation
import GRDB
import Testing

/// What HostA remembers of a session: who was where, from where, how long, and how much.
@Suite(.serialized) struct AuditTests {
  @Test func aSessionLeavesItsStartAndItsEnd() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      try lab.fleetSucceeds("ssh", "kitchen-pi", "cat; sleep 1", input: String(repeating: "x", count: 100_000))
      lab.endMasters()
      let (start, end) = try lab.auditedSession(1)
      for row in [start, end] {
        #expect(row["actor"] == "anna" && row["device_name"] == "kitchen-pi", "\(row)")
        #expect(row["device"] == (try lab.device("kitchen-pi")?["id"] as? String), "\(row)")
        #expect(row["remote_address"] == "127.0.0.1", "\(row)")
      }
      #expect(end["connection"] == start["id"] as Int64?)
      #expect((1...60).contains(end["duration_s"] ?? -1), "\(end)")
      for column in ["bytes_to_device", "bytes_from_device"] {
        #expect((100_000...1_000_000).contains(end[column] ?? -1), "\(column) \(end)")
      }
    }
  }

  /// The laptop dies in the middle: no goodbye is said, and the end is written all the same.
  @Test func aSessionThatWasKilledLeavesItsEndAndNoProcess() throws {
    try Lab.with { lab in
      try lab.startKitchenPi()
      // First ssh to the device itself, then the connection to HostA that carries it.
      for (number, victim) in [Victim.ssh, .carrier].enumerated() {
        let word = "begun-\(UUID().uuidString)"
        let session = try lab.start(
          lab.laptop, ["fleet", "ssh", "kitchen-pi", "while echo \(word); do sleep 0.1; done"],
          environment: ["FLEET_REUSE": "0"])
        try eventually("the session has begun\n\(session.error)", within: 15) { session.output.contains(word) }
        kill(victim == .ssh ? session.pid : try #require(lab.carrier), SIGKILL)
        _ = try #require(session.wait(15))
        let (_, end) = try lab.auditedSession(number + 1)
        #expect((end["bytes_from_device"] ?? 0) > 0, "\(end)")
        try eventually("nothing of the session is left", within: 15) { lab.leftOfSession(word).isEmpty }
      }
    }
  }

  private enum Victim { case ssh, carrier }
}

extension Lab {
  private var everybody: Set<uid_t> { Set([hostA, box, laptop].map { $0.uid ?? getuid() }) }

  /// The laptop's ssh to HostA.
  fileprivate var carrier: pid_t? {
    Lab.processes(of: everybody).first {
      $0.1.contains("connect kitchen-pi") && $0.1.contains(laptop.home.path)
    }?.0
  }

  /// What only a session needs: the laptop's programs, the forced command and the remote command with `word` in it.
  fileprivate func leftOfSession(_ word: String) -> [String] {
    Lab.processes(of: everybody).map(\.1).filter {
      // Without accounts of the lab's own, the forced command may be another lab's.
      !Lab.isSharedConnection($0)
        && ($0.contains(laptop.home.path) || $0.contains(word)
          || hostA.uid != nil && $0.contains("fleet-server operator"))
    }
  }

  /// The rows of the n-th session, once both are there. They are read from a copy: SQLite would leave files of ours
  /// beside the registry.
  fileprivate func auditedSession(_ number: Int) throws -> (start: Row, end: Row) {
    var rows: [Row] = []
    try eventually("session \(number) has ended in the audit", within: 15) {
      rows = try registryRows("SELECT * FROM audit WHERE action IN ('connect', 'disconnect') ORDER BY id")
      return rows.count == 2 * number
    }
    #expect(rows.suffix(2).map { $0["action"] } == ["connect", "disconnect"])
    return (rows[2 * number - 2], rows[2 * number - 1])
  }

  /// What stands in the audit about these actions, in order: `anna rename kitchen-pi (to hall-pi)`.
  func audited(_ actions: String...) throws -> [String] {
    let list = actions.map { "'\($0)'" }.joined(separator: ", ")
    return try registryRows("SELECT * FROM audit WHERE action IN (\(list)) ORDER BY id").map { row in
      let words = ["actor", "action", "device_name"].compactMap { row[$0] as String? }
      return words.joined(separator: " ") + ((row["detail"] as String?).map { " (\($0))" } ?? "")
    }
  }

  /// What the registry answers, asked in a copy of it.
  func registryRows(_ query: String) throws -> [Row] {
    try DatabaseQueue(path: copyOfRegistry().path).read { db in try Row.fetchAll(db, sql: query) }
  }

  /// The registry's file in a folder of its own, with its log beside it.
  func copyOfRegistry() throws -> URL {
    let copy = folder.appending(path: "audit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
    for name in ["registry.db", "registry.db-wal"] {
      let file = hostA.seen(serverHome).appending(path: name)
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      try FileManager.default.copyItem(at: file, to: copy.appending(path: name))
    }
    return copy.appending(path: "registry.db")
  }
}
