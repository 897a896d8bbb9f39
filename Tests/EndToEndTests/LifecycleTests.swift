import Foundation
import Testing

/// What becomes of a device after it was provisioned: its name, its hardware, its end.
@Suite(.serialized) struct LifecycleTests {
  @Test func aRemovedDeviceIsOutWithinFiveSeconds() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      let device = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      let port = lab.ports.leases.lowerBound
      let key = configuration.deletingLastPathComponent().appending(path: "id_ed25519")
      let holder = Thief(lab: lab, account: lab.box, key: key)
      // A connection of which HostA has no record, from before.
      let old = try holder.stay()
      for request in [
        "remove kitchen-pi", "rename kitchen-pi x", "tag kitchen-pi", "replace kitchen-pi", "rekey kitchen-pi",
      ] {
        #expect(try holder.ask(request, body: "{}").code == "request-refused", "\(request)")
      }

      let begin = Date()
      let answer = try lab.anna.succeed("remove kitchen-pi")
      #expect(answer.fields["port"] as? Int == port && answer.fields["ended"] as? Bool == true, "\(answer)")
      try eventually("the port is free", within: 5) { !PortBlock.isListening(port) }
      #expect(Date().timeIntervalSince(begin) < 5)
      #expect(try holder.isShutOut)
      #expect(try holder.claim(options: old).outcome.error.contains("Permission denied"), "the connection is ended")
      try eventually("the agent is told\n\(agent.error)") {
        agent.error.contains("does not accept this device's key")
      }
      #expect(!PortBlock.isListening(port))
      #expect(try lab.anna.ask("show kitchen-pi").code == "no-such-device")
      #expect(try lab.anna.ask("remove kitchen-pi").code == "no-such-device")
      let audit = try lab.audit(of: device).filter { $0 != "device rotate-key" }
      #expect(audit == ["anna provision", "device adopt-host-keys", "anna remove"])

      let next = try lab.anna.succeed("provision attic-pi", body: lab.provisionBody(try lab.boxKey("attic").key))
      #expect(next.fields["port"] as? Int != port, "its port is in quarantine")
    }
  }

  @Test func newHardwareTakesThePlaceOfTheOld() throws {
    try Lab.with { lab in
      let (_, agent, configuration) = try lab.startKitchenPi()
      try lab.anna.succeed("tag kitchen-pi", body: #"{"v":1,"set":{"site":"berlin"}}"#)
      let device = try #require(try lab.device("kitchen-pi")?["id"] as? String)
      let folder = configuration.deletingLastPathComponent()
      let old = Thief(lab: lab, account: lab.box, key: folder.appending(path: "id_ed25519"))
      let oldConnection = try old.stay()
      let new = try lab.boxKey("new")
      #expect(try new.holder.isShutOut)

      let body = lab.provisionBody(new.key)
      let answer = try lab.anna.succeed("replace kitchen-pi", body: body)
      #expect(
        answer.fields["port"] as? Int == lab.ports.leases.lowerBound && answer.fields["device"] as? String == device)
      #expect(try old.isShutOut)
      #expect(try old.claim(options: oldConnection).outcome.error.contains("Permission denied"), "it is ended")
      try eventually("the old box is offline", within: 5) { try lab.state("kitchen-pi") == "offline" }
      #expect(try lab.device("kitchen-pi")?["enrolled"] as? Bool == false)
      agent.stop()

      // The new box: another boot, another key, the same name, port and tags.
      let bootID = try lab.write("11111111-2222-4333-8444-555555555555\n", to: "boot_id", of: lab.box, mode: 0o644)
      var box = lab.box
      if box.uid != nil { box.bootIDFile = bootID }
      try lab.succeed(lab.box, ["cp", "new", folder.appending(path: "id_ed25519").path])
      let second = try lab.start(box, ["fleet-agent", "run", "--config", configuration.path])
      try lab.online("kitchen-pi", agent: second)
      let row = try #require(try lab.device("kitchen-pi"))
      #expect(row["port"] as? Int == lab.ports.leases.lowerBound && row["id"] as? String == device)
      #expect(row["tags"] as? [String: String] == ["site": "berlin"])
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")

      let header = try lab.anna.succeed("connect kitchen-pi")
      #expect(header.fields["enrolled_by"] as? String == "device" && header.fields["enrolled"] is String)

      // The same request again, from a laptop that was not heard, ends nothing of the new box.
      #expect(try lab.anna.succeed("replace kitchen-pi", body: body).fields["created"] as? Bool == false)
      // Meanwhile the box may replace its key, for which its connection is made anew.
      try eventually("it is online") { try lab.state("kitchen-pi") == "online" }
      #expect(!second.error.contains("is refused") && !second.error.contains("does not accept"), "\(second.error)")
      #expect(
        try lab.audit(of: device).filter { !$0.hasSuffix("connect") && $0 != "device rotate-key" } == [
          "anna provision", "device adopt-host-keys", "anna tag", "anna replace", "device adopt-host-keys",
        ])
    }
  }

  @Test func aNameIsChangedUnderARunningTunnel() throws {
    try Lab.with { lab in
      let (_, agent, _) = try lab.startKitchenPi()
      let word = "begun-\(UUID().uuidString)"
      let session = try lab.start(
        lab.laptop, ["fleet", "ssh", "kitchen-pi", "while echo \(word); do sleep 0.1; done"],
        environment: ["FLEET_REUSE": "0"])
      try eventually("the session has begun\n\(session.error)", within: 15) { session.output.contains(word) }
      #expect(try lab.anna.succeed("rename kitchen-pi hall-pi").fields["changed"] as? Bool == true)
      #expect(try lab.state("hall-pi") == "online")
      #expect(try lab.fleetSucceeds("ssh", "hall-pi", "echo works") == "works\n")
      lab.endMasters()
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").error.contains("no device kitchen-pi"))
      let said = session.output.utf8.count
      try eventually("the session goes on", within: 15) { session.output.utf8.count > said }
      #expect(agent.wait(0) == nil)
      session.stop()
    }
  }
}
