import Foundation
import Testing

/// `fleet provision --dry-run` tells everything and changes nothing.
@Suite(.serialized) struct BenchDryRunTests {
  @Test func everyFileAndCommandIsShownAndNothingIsTouched() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      let before = try lab.boxFiles()
      let plan = try lab.provisionTo("kitchen-pi", "--tag", "site=berlin", "--dry-run")
      #expect(plan.status == 0, "\(plan)")
      let home = lab.box.home.path
      for part in [
        "\(home)/fleet-agent-kitchen-pi/fleet-agent", "\(home)/fleet-agent-kitchen-pi/agent.json", "  755  ", "  600  ",
        "keygen --out", "install.sh", "rm -rf", "would write \(home)/.local/bin/fleet-agent, mode 755",
        "would write \(home)/.config/fleet-agent/agent.json, mode 600", "crontab: @reboot",
        "would start the agent now", "lease the lowest free port to kitchen-pi", "tags site=berlin", "pin 1 host keys",
        "fleet ssh kitchen-pi uname -sr",
      ] {
        #expect(plan.output.contains(part), "\(part) is missing in\n\(plan.output)")
      }
      #expect(try lab.boxFiles() == before)
      #expect(try lab.device("kitchen-pi") == nil)

      // What it announced is what is done, and of a box that is set up it says so.
      #expect(try lab.provisionTo("kitchen-pi").status == 0)
      defer { lab.uninstall() }
      let done = try lab.boxFiles()
      let again = try lab.provisionTo("kitchen-pi", "--dry-run")
      #expect(again.status == 0 && again.output.contains("keep port \(lab.ports.leases.lowerBound)"), "\(again)")
      #expect(try lab.boxFiles() == done && lab.state("kitchen-pi") == "online")
    }
  }

  @Test func aBundleIsOnlyDescribed() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let plan = try lab.fleet(
        "provision", "attic-pi", "--user", "pi", "--tag", "floor=4", "--bundle", "attic-pi.tar", "--dry-run")
      #expect(plan.status == 0, "\(plan)")
      for part in ["fleet-agent-attic-pi/id_ed25519", "tags floor=4", "log in as pi"] {
        #expect(plan.output.contains(part), "\(part) is missing in\n\(plan.output)")
      }
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: "attic-pi.tar").path))
      #expect(try lab.device("attic-pi") == nil)
      #expect(
        !FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: ".local/state/fleet/pending").path))

      // The real one has the tags and the profile.
      try lab.fleetSucceeds(
        "provision", "attic-pi", "--user", "pi", "--tag", "floor=4", "--profile", "metered", "--bundle", "attic-pi.tar")
      #expect(try lab.device("attic-pi")?["tags"] as? [String: String] == ["floor": "4"])
      let configuration = try lab.succeed(
        lab.laptop, ["tar", "-xOf", "attic-pi.tar", "fleet-agent-attic-pi/agent.json"])
      #expect(configuration.contains("\"profile\":\"metered\""))
    }
  }

  @Test func whatIsNoTagOrProfileIsAUsageError() throws {
    try Lab.with { lab in
      for options in [["--tag", "site"], ["--tag", "a=1", "--tag", "a=2"], ["--profile", "fast"]] {
        let outcome = try lab.run(
          lab.laptop, ["fleet", "provision", "kitchen-pi", "--to", "pi@127.0.0.1"] + options)
        #expect(outcome.status == 2, "\(outcome)")
      }
    }
  }
}
