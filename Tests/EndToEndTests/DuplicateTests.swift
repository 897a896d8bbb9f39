import Foundation
import Testing

/// An SD card was copied: two boxes with one key, each with a boot identity of its own.
@Suite(.serialized, .enabled(if: namespacesWanted, "network namespaces cannot be made here: run as root"))
struct DuplicateTests {
  @Test func theFirstBoxKeepsThePortAndBothAreTold() throws {
    try NATTests.inNATWorld { world, lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      // The copy stands in another network, so that nothing on the box itself tells the two apart.
      let bootID = try lab.write("11111111-2222-4333-8444-555555555555\n", to: "boot_id", of: lab.box, mode: 0o644)
      var copy = lab.box
      copy.namespace = world.laptop
      copy.bootIDFile = bootID
      let clone = try lab.start(copy, ["fleet-agent", "run", "--config", configuration.path])

      try eventually("HostA sees two boxes\n\(agent.error)\n\(clone.error)", within: 90) {
        try lab.state("kitchen-pi") == "duplicate"
          && lab.device("kitchen-pi")?["remote_address"] as? String == "203.0.113.2"
      }
      let row = try lab.fleetSucceeds("list").split(separator: "\n").first { $0.hasPrefix("kitchen-pi") }
      #expect(
        row?.contains("duplicate") == true
          && row?.contains(
            "two boxes use its key: the one at 203.0.113.2 has the port, the one at 203.0.113.3 is refused")
            == true,
        "\(row ?? "")")
      try eventually("the copy is told\n\(clone.error)") { clone.error.contains("another box uses this device's key") }
      // The box that was first is reached, and stays.
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "ip -4 -br addr show net0").contains("192.168.77.2"))
      #expect(agent.wait(0) == nil && clone.wait(0) == nil)
      #expect(try lab.state("kitchen-pi") == "duplicate")
    }
  }
}
