import Foundation
import Testing

/// What goes wrong on a bench: each time one clear sentence, and the same command ends what it began.
@Suite(.serialized) struct BenchFaultTests {
  /// The connection breaks in the middle of every single command on the box, each time for a device of its own.
  @Test func aBoxThatDropsTheConnectionAtAnyStepEndsWell() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startCuttingBox()
      var step = 1
      while true {
        let name = "box-\(step)"
        try lab.cutConnection(at: step)
        let cut = try lab.provisionTo(name)
        defer { lab.uninstall() }
        let ended = try lab.commandsOnBox() < step
        if cut.status != 0 {
          #expect(cut.status == 1 && cut.error.contains("✗") && cut.error.contains("run the same command"), "\(cut)")
          try lab.cutConnection(at: nil)
          let again = try lab.provisionTo(name)
          #expect(again.status == 0 && again.error.contains("✓ reach it through HostA"), "cut at \(step): \(again)")
        }
        #expect(try lab.state(name) == "online", "cut at \(step)")
        #expect(try lab.device(name)?["port"] as? Int == lab.ports.leases.lowerBound + step - 1)
        #expect(try lab.agents().count == 1)
        let table = try String(contentsOf: lab.box.home.appending(path: "crontab"), encoding: .utf8)
        #expect(table.components(separatedBy: "@reboot").count == 2, "\(table)")
        try lab.succeed(lab.box, ["rm", "-rf", "fleet-agent-\(name)"])
        if ended { break }
        step += 1
      }
      // The probe, the agent, the key, the host keys, five files, the installation, tidying up and the rehearsal.
      #expect(step > 12, "only \(step - 1) commands were cut")
    }
  }

  /// The same box, cut one command later each time: it comes a little further, with one lease and one key.
  @Test func aBoxThatDropsTheConnectionAgainAndAgainEndsWell() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startCuttingBox()
      defer { lab.uninstall() }
      var step = 1
      while step < 30 {
        try lab.cutConnection(at: step)
        let outcome = try lab.provisionTo("kitchen-pi")
        if outcome.status == 0 { break }
        step += 1
      }
      #expect(step > 8 && step < 30)
      #expect(try lab.state("kitchen-pi") == "online")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == lab.ports.leases.lowerBound)
      let list = try lab.fleetSucceeds("list", "--all", "--json")
      #expect(list.components(separatedBy: "\"id\":").count == 2, "\(list)")
    }
  }

  @Test(.enabled(if: getuid() == 0, "a small disk of its own cannot be mounted here: run as root"))
  func aBoxWhoseDiskIsFullIsNamedAndGoesOnWhenThereIsRoom() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let stage = lab.box.home.appending(path: "fleet-agent-kitchen-pi")
      let programs = lab.box.home.appending(path: ".local/bin")
      try lab.succeed(lab.box, ["mkdir", "-p", stage.path, programs.path])
      let sshd = try lab.startBenchBoxOnSmallDisks([stage.path, programs.path])
      defer { lab.uninstall(inMountsOf: sshd) }

      let full = try lab.provisionTo("kitchen-pi")
      #expect(full.status == 1 && full.error.contains("✗ copy the agent: the disk of the box is full"), "\(full)")
      #expect(try lab.device("kitchen-pi") == nil)
      #expect(try lab.files(in: stage.path, mountsOf: sshd) == "")

      try lab.makeRoom(in: stage.path, mountsOf: sshd)
      let half = try lab.provisionTo("kitchen-pi")
      #expect(half.status == 1 && half.error.contains("✗ install and start the agent: the disk of the box"), "\(half)")
      #expect(half.error.contains("fleet-agent: No space left on device"), "\(half)")
      #expect(try lab.files(in: programs.path, mountsOf: sshd) == "")
      let port = try lab.device("kitchen-pi")?["port"] as? Int

      try lab.makeRoom(in: programs.path, mountsOf: sshd)
      let done = try lab.provisionTo("kitchen-pi")
      #expect(done.status == 0, "\(done)")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == port && lab.state("kitchen-pi") == "online")
    }
  }

  @Test func aWrongPasswordOrARefusedKeyIsNamed() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox(extra: "PasswordAuthentication yes")
      try lab.write("", to: "sshd-0/authorized_keys", of: lab.box)
      let before = try lab.boxFiles()
      let refused = try lab.run(
        lab.laptop,
        ["fleet", "provision", "kitchen-pi", "--to", "\(lab.box.name)@127.0.0.1:\(lab.ports.box(0))"],
        environment: ["SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"])
      #expect(refused.status == 1 && refused.error.contains("does not accept this password or key"), "\(refused)")

      let askpass = try lab.write("#!/bin/sh\necho wrong\n", to: "askpass", of: lab.laptop, mode: 0o700)
      let wrong = try lab.run(
        lab.laptop,
        ["fleet", "provision", "kitchen-pi", "--to", "\(lab.box.name)@127.0.0.1:\(lab.ports.box(0))"],
        environment: ["SSH_ASKPASS": askpass.path, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"])
      #expect(wrong.status == 1 && wrong.error.contains("✗ reach the box: the box"), "\(wrong)")
      #expect(wrong.error.contains("does not accept this password or key"), "\(wrong)")
      #expect(try lab.boxFiles() == before && lab.device("kitchen-pi") == nil)
    }
  }

  @Test func aHostAThatIsAwayLeavesTheBoxUntouched() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      let before = try lab.boxFiles()
      server.stop()
      for options in [[], ["--dry-run"]] {
        let outcome = try lab.run(
          lab.laptop,
          ["fleet", "provision", "kitchen-pi", "--to", "\(lab.box.name)@127.0.0.1:\(lab.ports.box(0))"] + options)
        #expect(outcome.status == 6 && outcome.error.contains("✗ ask HostA"), "\(outcome)")
      }
      #expect(try lab.boxFiles() == before)
    }
  }
}
