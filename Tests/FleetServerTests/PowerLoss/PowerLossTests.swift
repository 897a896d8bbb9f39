import FleetProtocol
import Foundation
import GRDB
import Testing

@testable import FleetServer

/// HostA loses its power between any two writes, and its disk keeps what was synchronised, and of the rest whatever chance
/// leaves. What somebody was told is true afterwards.
@Suite struct PowerLossTests {
  private static let changes: [FleetChange] = [
    .provision("attic-pi", key: 12), .rename("hall-pi", to: "door-pi"), .remove("kitchen-pi"),
    .provision("cellar-pi", key: 13), .rename("cellar-pi", to: "garden-pi"), .provision("roof-pi", key: 14),
    .remove("attic-pi"), .provision("gate-pi", key: 15),
  ]

  @Test func nothingThatWasAcknowledgedIsLost() throws {
    let folder = try TemporaryFolder()
    let server = BuiltServer(home: folder.path + "/home")
    try server.initialise()
    var states = [FleetState()]
    func ask(_ change: FleetChange, _ environment: [String: String] = [:]) throws {
      let result = try server.run(
        ["operator", "alice"],
        environment: environment.merging(["SSH_ORIGINAL_COMMAND": change.command]) { $1 }, input: try change.body())
      guard case .ok(let fields) = try result.reply() else { throw NotAcknowledged(text: "\(change): \(result)") }
      states.append(try states[states.count - 1].after(change, reply: fields))
    }
    for change in [FleetChange.provision("kitchen-pi", key: 10), .provision("hall-pi", key: 11)] { try ask(change) }
    states.removeFirst(states.count - 1)
    let start = try UnsafeDisk(folder: server.home)
    let recorder = try CallRecorder(in: folder.path)
    let log = folder.path + "/calls"
    for change in Self.changes { try ask(change, recorder.environment(home: server.home, log: log)) }
    let calls = try CallRecorder.calls(in: log)
    #expect(calls.count > 100, "the calls of \(Self.changes.count) changes: \(calls.count)")

    var disk = start
    var acknowledged = 0
    var chance = SeededGenerator(seed: 6)
    for (number, call) in calls.enumerated() {
      try disk.apply(call)
      if case .reply = call { acknowledged += 1 }
      let image = BuiltServer(home: folder.path + "/image-\(number)")
      for path in [image.home, image.home + "/sessions"] { #expect(mkdir(path, 0o700) == 0) }
      defer { try? FileManager.default.removeItem(atPath: image.home) }
      try disk.survive(in: image.home, &chance)
      let place: Comment = "power is lost behind call \(number) of \(calls.count), \(acknowledged) changes were told"
      let next = try image.request("list")
      try #require(next.status == 0, "\(place): \(next.output)")
      let registry = try Registry.open(Home(path: image.home))
      let integrity = try registry.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
      #expect(integrity == ["ok"], place)
      let state = try FleetState(registry)
      let isNext = acknowledged + 1 < states.count && state == states[acknowledged + 1]
      #expect(state == states[acknowledged] || isNext, "\(place): \(state)")
      #expect(state.portsAreUnique, place)
      let keyFile = try image.keyFile(registry)
      #expect(keyFile.present == keyFile.wanted, place)
      #expect(access(Home(path: image.home).authorizedKeys + ".new", F_OK) != 0, place)
    }
    #expect(acknowledged == Self.changes.count)
  }

  private struct NotAcknowledged: Error { let text: String }
}
