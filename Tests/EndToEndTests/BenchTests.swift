import Foundation
import Testing

/// A box on the bench: `fleet provision NAME --to BOX` over the person's own ssh, with a box that has cron and no systemd.
@Suite(.serialized) struct BenchTests {
  @Test func provisioningABoxOnTheBenchEndsWithItOnline() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()

      let first = try lab.provisionTo("kitchen-pi", "--tag", "site=berlin", "--tag", "room=1.2", "--profile", "metered")
      defer { lab.uninstall() }
      #expect(first.status == 0, "\(first)")
      // At the end it was reached the way that everybody will reach it, and its host key was the one of the bench.
      let fingerprint = try lab.succeed(lab.box, ["ssh-keygen", "-lf", "sshd-0/host_key.pub"]).split(separator: " ")[1]
      #expect(
        first.error.contains("✓ reach it through HostA: kitchen-pi answered 'Linux ")
          && first.error.contains("host key ssh-ed25519 \(fingerprint) as on the bench"), "\(first)")
      #expect(first.error.contains("kitchen-pi is ready: online after "), "\(first)")
      #expect(try lab.device("kitchen-pi")?["tags"] as? [String: String] == ["site": "berlin", "room": "1.2"])
      let configuration = try String(
        contentsOf: lab.box.home.appending(path: ".config/fleet-agent/agent.json"), encoding: .utf8)
      #expect(configuration.contains("\"profile\":\"metered\""))
      #expect(try lab.state("kitchen-pi") == "online")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == lab.box.name + "\n")
      let crontab = try String(contentsOf: lab.box.home.appending(path: "crontab"), encoding: .utf8)
      #expect(crontab.contains("@reboot") && crontab.contains("* * * * *"))

      // The private key was made on the box and never left it, and only its owner can read it.
      let key = lab.box.home.appending(path: ".config/fleet-agent/id_ed25519")
      let attributes = try FileManager.default.attributesOfItem(atPath: key.path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)

      // Once more: the same lease, nothing made twice.
      let port = try lab.device("kitchen-pi")?["port"] as? Int
      let second = try lab.provisionTo("kitchen-pi")
      #expect(second.status == 0, "\(second)")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == port)
      let again = try String(contentsOf: lab.box.home.appending(path: "crontab"), encoding: .utf8)
      #expect(again == crontab)
      #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: "fleet-agent-kitchen-pi").path))
    }
  }

  /// What cron runs every minute: it starts an agent that has ended, and leaves one that runs alone.
  @Test func cronsLineStartsTheAgentOnce() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      #expect(try lab.provisionTo("kitchen-pi").status == 0)
      defer { lab.uninstall() }
      let line = try #require(try lab.cronLine())
      let second = try lab.run(lab.box, ["sh", "-c", line])
      #expect(second.status == 1, "\(second)")
      let agents = try lab.agents()
      #expect(agents.count == 1)
      kill(agents[0], SIGKILL)
      try eventually("the agent has ended") { try lab.agents().isEmpty }
      try lab.start(lab.box, ["sh", "-c", line])
      try lab.online("kitchen-pi")
      #expect(try lab.agents().count == 1)
    }
  }

  /// The box is set up over one sshd and people log in to another, which does not let the operator's key in: the way
  /// and the host key are proved all the same, and nobody is asked for a password.
  @Test func aKeyThatIsNotLetInIsARemark() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      try lab.startBoxSSHD(1)
      try lab.write("", to: "sshd-1/authorized_keys", of: lab.box)
      let outcome = try lab.provisionTo("kitchen-pi", "--sshd-port", "\(lab.ports.box(1))")
      defer { lab.uninstall() }
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.error.contains("✓ reach it through HostA: as far as the login; host key "), "\(outcome)")
      #expect(outcome.error.contains("ssh-copy-id -p \(lab.ports.box(0)) \(lab.box.name)@127.0.0.1"), "\(outcome)")
    }
  }

  /// A step in the middle fails: what was done stands, the reason is told, and the same command goes on from there.
  @Test func aFailureHalfWaySaysWhatWasDoneAndTheNextRunContinues() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      try lab.write("in the way", to: ".config/fleet-agent", of: lab.box)

      let failed = try lab.provisionTo("kitchen-pi")
      #expect(failed.status == 1, "\(failed)")
      let told = failed.error + failed.output
      #expect(told.contains("✓") && told.contains("✗"), "\(failed)")

      try lab.succeed(lab.box, ["rm", lab.box.home.appending(path: ".config/fleet-agent").path])
      let continued = try lab.provisionTo("kitchen-pi")
      defer { lab.uninstall() }
      #expect(continued.status == 0, "\(continued)")
      #expect(try lab.state("kitchen-pi") == "online")
      #expect(try lab.device("kitchen-pi")?["port"] as? Int == lab.ports.leases.lowerBound)
    }
  }

  @Test func aBoxOrAHostThatIsAwayIsNamed() throws {
    try Lab.with { lab in
      let server = try lab.startHostA()
      try lab.login()
      let noBox = try lab.provisionTo("kitchen-pi")
      #expect(noBox.status == 1 && (noBox.error + noBox.output).contains("127.0.0.1"), "\(noBox)")
      server.stop()
      try lab.startBenchBox()
      let noHost = try lab.provisionTo("kitchen-pi")
      #expect(noHost.status == 6, "\(noHost)")
      #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: ".config/fleet-agent").path))
    }
  }

  /// A key that belongs to one device is not given a second name, and a name that is taken is not given away.
  @Test func aNameOrAKeyThatIsTakenIsRefused() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      _ = try lab.provisionBundle("kitchen-pi")
      let taken = try lab.fleet("provision", "kitchen-pi", "--bundle", "second.tar", "--user", "pi")
      #expect(taken.status == 1 && taken.error.contains("kitchen-pi"), "\(taken)")
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: "second.tar").path))
    }
  }
}
