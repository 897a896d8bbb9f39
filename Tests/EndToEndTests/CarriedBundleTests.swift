import Foundation
import Testing

/// Bundles that travel: what a copy of one is worth, and one that was not used in time.
@Suite(.serialized) struct CarriedBundleTests {
  /// The first box replaces the key that both have; the second is refused for good, and takes nothing from the first.
  @Test(.enabled(if: namespacesWanted, "network namespaces cannot be made here: run as root"))
  func aBundleUnpackedTwiceOnTwoBoxesIsOneDevice() throws {
    try NATTests.inNATWorld { world, lab in
      let (_, first) = try lab.prepareKitchenPi()
      try lab.succeed(lab.box, ["mkdir", "other"])
      try lab.succeed(lab.box, ["tar", "-xf", "kitchen-pi.tar", "-C", "other"])
      let agent = try lab.startAgent("kitchen-pi", configuration: first)
      let bundled = try lab.succeed(lab.box, ["cat", "other/fleet-agent-kitchen-pi/id_ed25519"])
      try eventually("the key is replaced\n\(agent.error)") {
        try lab.succeed(lab.box, ["cat", "fleet-agent-kitchen-pi/id_ed25519"]) != bundled
      }
      try lab.online("kitchen-pi", agent: agent)
      var second = lab.box
      second.namespace = world.laptop
      let other = try lab.start(
        second, ["fleet-agent", "run", "--config", "other/fleet-agent-kitchen-pi/agent.json"])
      try eventually("the copy is refused\n\(other.error)") { other.error.contains("does not accept") }
      #expect(try lab.state("kitchen-pi") == "online" && agent.wait(0) == nil)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == lab.box.name + "\n")
    }
  }

  @Test func aBundleThatWasNotUsedInTimeIsDeadAndItsPortIsFree() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let made = try lab.fleet(
        "provision", "attic-pi", "--user", lab.box.name, "--expires", "2s", "--bundle", "attic-pi.tar")
      #expect(made.status == 0 && made.error.contains("2 s"), "\(made)")
      try lab.carry("attic-pi.tar", to: "attic-pi.tar")
      try lab.succeed(lab.box, ["tar", "-xf", "attic-pi.tar"])
      try eventually("HostA forgets it") { try lab.device("attic-pi") == nil }
      let configuration = lab.box.home.appending(path: "fleet-agent-attic-pi/agent.json")
      let agent = try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path])
      try eventually("it is refused\n\(agent.error)") { agent.error.contains("does not accept") }
      _ = try lab.provisionBundle("kitchen-pi")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == lab.ports.leases.lowerBound)
    }
  }

  /// `fleet enroll-key create` and two boxes from its one bundle: each is its own device, and the third finds it used up.
  @Test func oneBundleForManyBoxes() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBoxSSHD()
      let created = try lab.fleet(
        "enroll-key", "create", "--uses", "2", "--expires", "7d", "--name", "kiosk-{hostname}", "--user", lab.box.name,
        "--tag", "site=fair", "--auto-approve", "--sshd-port", "\(lab.ports.box(0))", "--bundle", "kiosks.tar")
      #expect(created.status == 0, "\(created)")
      let id = created.output.trimmingCharacters(in: .newlines)
      let list = try lab.fleetSucceeds("enroll-key", "list")
      #expect(list.contains(id) && list.contains("0 of 2") && list.contains("at once"), "\(list)")
      try lab.carry("kiosks.tar", to: "kiosks.tar")
      var agents: [Running] = []
      for box in ["one", "two", "three"] {
        try lab.succeed(lab.box, ["mkdir", box])
        try lab.succeed(lab.box, ["tar", "-xf", "kiosks.tar", "-C", box])
        let configuration = lab.box.home.appending(path: "\(box)/fleet-agent-enroll/agent.json")
        agents.append(try lab.start(lab.box, ["fleet-agent", "run", "--config", configuration.path]))
        if box != "three" {
          try eventually("\(box) is a device\n\(agents.last?.error ?? "")") {
            FileManager.default.fileExists(atPath: configuration.path)
          }
        }
      }
      try eventually("the third is refused\n\(agents[2].error)") {
        agents[2].error.contains("as many boxes have joined")
      }
      let devices = try Lab.object(try lab.fleetSucceeds("list", "--all", "--json"))["devices"] as? [[String: Any]]
      #expect(
        devices?.count == 2 && devices?.allSatisfy { ($0["tags"] as? [String: String])?["site"] == "fair" } == true)
      #expect(try lab.fleetSucceeds("enroll-key", "list", "--json").contains(#""used":2"#))
      try lab.fleetSucceeds("enroll-key", "remove", id)
      #expect(try lab.fleet("enroll-key", "remove", id).status != 0)
      #expect(try lab.fleetSucceeds("enroll-key", "list") == "")
    }
  }

  /// What is asked for wrongly, or cannot be written, leaves no enroll key behind.
  @Test func anEnrollKeyThatCannotBeCarriedIsNotThere() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let good = ["--uses", "2", "--expires", "7d", "--name", "kiosk-{serial}", "--user", "pi"]
      for (arguments, status) in [
        (good, 2), (good + ["--bundle", "a.tar", "--image", "b"], 2), (good + ["--image", "/"], 1),
        (good + ["--bundle", "no/such/folder/a.tar"], 1),
        (["--uses", "0"] + good.dropFirst(2) + ["--bundle", "a.tar"], 2),
        (good.dropLast(4) + ["--name", "Kiosk {serial}", "--bundle", "a.tar"], 2),
        (good + ["--profile", "fast", "--bundle", "a.tar"], 2), (good + ["--tag", "x", "--bundle", "a.tar"], 2),
      ] {
        let outcome = try lab.run(lab.laptop, ["fleet", "enroll-key", "create"] + arguments)
        #expect(outcome.status == Int32(status), "\(arguments): \(outcome)")
      }
      #expect(try lab.fleetSucceeds("enroll-key", "list") == "")
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: "a.tar").path))
    }
  }
}
