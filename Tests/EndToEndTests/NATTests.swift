import Foundation
import Testing

/// Whether namespaces can be had. Where they cannot, the tests are skipped visibly; under CI they fail instead.
let namespacesWanted = NATWorld.obstacle == nil || ProcessInfo.processInfo.environment["CI"] != nil

@Suite(.serialized, .enabled(if: namespacesWanted, "network namespaces cannot be made here: run as root"))
struct NATTests {
  /// The mission: a box behind a router that nobody can configure, reached by name from elsewhere.
  @Test func aBoxBehindAHomeRouterIsReachedByName() throws {
    try Self.inNATWorld { world, lab in
      try lab.startKitchenPi()

      // From outside nothing leads to the box: not its address, and not the router's public one.
      for address in ["192.168.77.2", "203.0.113.2"] {
        let direct = try lab.run(
          lab.laptop, ["ssh", "-o", "ConnectTimeout=2", "-p", "\(lab.ports.box(0))", "pi@\(address)", "true"])
        #expect(direct.status == 255)
      }
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "ip -4 -br addr show net0").contains("192.168.77.2"))
      #expect(try lab.device("kitchen-pi")?["remote_address"] as? String == "203.0.113.2")
      #expect(try lab.device("kitchen-pi")?["rtt_ms"] is Double)

      // 64 MiB unchanged each way, at the same time.
      try lab.succeed(
        lab.laptop,
        [
          "sh", "-c",
          "head -c 67108864 /dev/urandom >up && fleet ssh kitchen-pi 'cat >up; cat up' <up >down && cmp up down",
        ], within: 300)
      let sums = [
        try lab.succeed(lab.laptop, ["sha256sum", "up"]),
        try lab.fleetSucceeds("ssh", "kitchen-pi", "sha256sum up"),
      ]
      #expect(Set(sums.map { $0.prefix(64) }).count == 1)
    }
  }

  /// The old flow is dead without a word and HostA's sshd still holds the port: the new claim must take it over.
  @Test func theTunnelComesBackAfterTheRouterGotANewAddress() throws {
    try Self.inNATWorld { world, lab in
      try lab.startKitchenPi()
      try world.changeRouterAddress()
      try eventually("the device is back from its new address", within: 90) {
        try lab.device("kitchen-pi")?["remote_address"] as? String == "203.0.113.9"
          && lab.state("kitchen-pi") == "online"
      }
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo back") == "back\n")
    }
  }

  static func inNATWorld(_ body: (NATWorld, Lab) throws -> Void) throws {
    if let obstacle = NATWorld.obstacle {
      Issue.record("network namespaces cannot be made: \(obstacle)")
      return
    }
    try NATWorld.with { world in
      try Lab.with(hosts: (world.hostA, world.box, world.laptop)) { lab in try body(world, lab) }
    }
  }
}
