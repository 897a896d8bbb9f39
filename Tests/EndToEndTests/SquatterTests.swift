import Foundation
import Testing

/// Another account's process on HostA sits on a device's port, to receive what is meant for the device.
@Suite(.serialized, .enabled(if: getuid() == 0, "accounts of the lab's own need root"))
struct SquatterTests {
  @Test func aSquatterIsNamedAndGetsNothing() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let configuration = try lab.provisionBundle("kitchen-pi")
      let squatter = try Squatter(port: lab.ports.leases.lowerBound)
      let agent = try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
      try eventually("the agent is told\n\(agent.error)", within: 60) {
        try lab.agentStatus(configuration).output.contains(
          "another account on HostA (number 0) listens on the device's port")
      }
      try expectRefusal(lab)
      #expect(!squatter.wasVisited())

      squatter.leave()
      try lab.online("kitchen-pi", agent: agent, within: 60)
      // Its key is replaced right now: the session waits for the tunnel that comes next.
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
    }
  }

  /// The same while the device was online until now: its tunnel ends and the squatter is there first.
  @Test func aSquatterInTheGapOfATunnelGetsNothing() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let port = lab.ports.leases.lowerBound
      agent.stop()
      try eventually("the port is free", within: 60) { PortBlock.isFree(port) }
      let squatter = try Squatter(port: port)
      try expectRefusal(lab)
      let next = try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
      try eventually("the agent is told\n\(next.error)", within: 60) {
        try lab.agentStatus(configuration).output.contains("another account on HostA")
      }
      try expectRefusal(lab)
      #expect(!squatter.wasVisited())
      squatter.leave()
      try lab.online("kitchen-pi", agent: next, within: 60)
    }
  }

  /// One that listens on every address of HostA has the device's port as well.
  @Test func aSquatterOnEveryAddressIsNamedAndGetsNothing() throws {
    try Lab.with { lab in
      _ = try lab.prepareKitchenPi()
      for address in ["0.0.0.0", "::"] {
        var squatter: Squatter?
        // What a test beside this one starts right now holds the one before for a moment.
        try eventually("the squatter listens", within: 60) {
          squatter = try? Squatter(port: lab.ports.leases.lowerBound, address: address)
          return squatter != nil
        }
        try expectRefusal(lab)
        #expect(squatter?.wasVisited() == false)
        squatter?.leave()
      }
    }
  }

  private func expectRefusal(_ lab: Lab) throws {
    let row = try lab.fleetSucceeds("list", "--all").split(separator: "\n").first { $0.hasPrefix("kitchen-pi") }
    #expect(row?.contains("offline") == true && row?.contains("blocked by another process") == true, "\(row ?? "")")
    let session = try lab.fleet("ssh", "kitchen-pi", "cat", input: "secret")
    #expect(session.status == 4 && session.output.isEmpty, "\(session)")
    #expect(session.error.contains("another account on HostA listens on kitchen-pi's port"), "\(session)")
  }
}
