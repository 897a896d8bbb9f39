import Foundation
import GRDB
import Testing

/// What HostA knows of a device's absences.
@Suite(.serialized) struct OutageTests {
  @Test func anOutageIsShownWithItsLength() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      try eventually("HostA's watch has seen the device") { try lab.recordedTransitions() == [true] }
      #expect(try !lab.fleetSucceeds("show", "kitchen-pi").contains("outage"))
      let stopped_s = Date().timeIntervalSince1970
      agent.stop()
      try eventually("the outage is shown") {
        try lab.fleetSucceeds("show", "kitchen-pi").contains("until now, since 20")
      }
      try lab.startAgent("kitchen-pi", configuration: configuration)
      try eventually("the outage has an end") { try lab.outages("kitchen-pi").first?["to"] is String }
      let back_s = Date().timeIntervalSince1970

      let outage = try #require(try lab.outages("kitchen-pi").first)
      #expect(try lab.outages("kitchen-pi").count == 1)
      let from_s = try Self.time_s(outage["from"])
      let to_s = try Self.time_s(outage["to"])
      // The last keepalive and the last look at it came at most that long before.
      #expect(stopped_s - 20 <= from_s && from_s <= to_s && to_s <= back_s + 1, "\(outage)")
      #expect(outage["length_s"] as? Double == to_s - from_s)
      #expect(try lab.fleetSucceeds("show", "kitchen-pi").contains("last outages"))
    }
  }

  private static func time_s(_ text: Any?) throws -> Double {
    try Date(#require(text as? String), strategy: .iso8601).timeIntervalSince1970
  }
}

/// A network that takes everything and says nothing, while HostA goes on trying.
@Suite(.serialized, .enabled(if: namespacesWanted, "network namespaces cannot be made here: run as root"))
struct ReapingTests {
  @Test func aConnectionThatHasBeenSilentForTwoMinutesIsEnded() throws {
    try NATTests.inNATWorld { world, lab in
      let (server, agent, _) = try lab.startKitchenPi()
      let seen = try #require(try lab.device("kitchen-pi")?["last_seen"] as? String)
      try world.swallowEverything()
      let port = lab.ports.leases.lowerBound
      try eventually("the silent connection is ended\n\(server.error)\n\(agent.error)", within: 180) {
        // As long as somebody tries the dead port, OpenSSH's own ClientAlive never ends the connection.
        _ = try lab.run(lab.hostA, ["ssh-keyscan", "-T", "1", "-p", "\(port)", "127.0.0.1"])
        return server.error.contains("nothing came for 12")
      }
      try eventually("kitchen-pi is offline", within: 15) { try lab.state("kitchen-pi") == "offline" }
      try eventually("the outage is written") { try !lab.outages("kitchen-pi").isEmpty }
      let outage = try #require(try lab.outages("kitchen-pi").first)
      let from = try #require(outage["from"] as? String)
      let since = try Date(from, strategy: .iso8601).timeIntervalSince(Date(seen, strategy: .iso8601))
      // Both are whole seconds, each rounded from its own look.
      #expect((-1...20).contains(since), "it went when something last came, not when that was noticed: \(outage)")
    }
  }
}

extension Lab {
  func outages(_ name: String) throws -> [[String: Any]] {
    let text = try fleetSucceeds("show", name, "--json")
    let device = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return try #require(device?["outages"] as? [[String: Any]])
  }

  /// Whether each transition in the registry, the first one first, says online.
  fileprivate func recordedTransitions() throws -> [Bool] {
    try registryRows("SELECT online FROM presence ORDER BY id").map { $0["online"] }
  }
}
