import Foundation
import Testing

/// A box without a clock of its own: it wakes up in 1970, and learns the time over the network that it needs first.
@Suite(.serialized) struct ClockTests {
  @Test func theAgentWorksIn1970AndNothingReconnectsWhenTheClockIsSet() throws {
    try Lab.with { lab in
      let (_, configuration) = try lab.prepareKitchenPi()
      try lab.setKeepalive(1, in: configuration)
      let clock = try lab.write("\(10 - Int(Date().timeIntervalSince1970))", to: "clock", of: lab.box)
      let fake = ["env", "LD_PRELOAD=\(try lab.wallClock(of: lab.box, offset: clock))"]
      let agent = try lab.start(lab.box, fake + ["fleet-agent", "run", "--config", configuration.path])
      try lab.online("kitchen-pi", agent: agent)
      try lab.keyIsSettled("kitchen-pi", agent: agent)
      #expect(try #require(lab.agentReport(configuration)["since"] as? String).hasPrefix("1970-01-01T00:"))
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo reached") == "reached\n")
      let sshd = try lab.carryingSSHD()
      let log = agent.error
      #expect(log.contains("1970-01-01T00:"))

      try lab.setClock(0, in: clock, of: lab.box)
      #expect(try #require(lab.agentReport(configuration)["since"] as? String).hasPrefix("20"))
      // Keepalives go on over the same connection; were one not acknowledged, the agent would say so.
      for _ in 0..<3 {
        let sent = try #require(lab.agentReport(configuration)["bytes_sent"] as? Int)
        try eventually("a keepalive goes out") {
          try #require(lab.agentReport(configuration)["bytes_sent"] as? Int) > sent
        }
      }
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo still here") == "still here\n")
      #expect(try lab.carryingSSHD() == sshd)
      #expect(agent.error == log)

      // And what began in 1970 comes back today.
      kill(sshd, SIGTERM)
      try eventually("the device is back") { try lab.carryingSSHD() != sshd && lab.state("kitchen-pi") == "online" }
    }
  }
}

extension Lab {
  /// What the agent says of itself, as an object.
  fileprivate func agentReport(_ configuration: URL) throws -> [String: Any] {
    var report = ""
    // HostA calls the device online as soon as its listener stands; the agent first waits for its canary.
    try eventually("the agent's tunnel is up") {
      let outcome = try run(box, ["fleet-agent", "status", "--json", "--config", configuration.path])
      report = outcome.output
      return outcome.status == 0
    }
    return try Self.object(report)
  }

  fileprivate func setKeepalive(_ keepalive_s: Int, in configuration: URL) throws {
    var settings = try Self.object(try succeed(box, ["cat", configuration.path]))
    settings["keepalive_s"] = keepalive_s
    let text = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
    try write(text + "\n", to: "fleet-agent-kitchen-pi/agent.json", of: box)
  }
}
