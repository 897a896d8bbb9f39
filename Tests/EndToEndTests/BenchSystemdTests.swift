import Foundation
import Testing

/// A box on the bench with a real systemd: as root a system service, as an ordinary account one that lingers.
@Suite(.serialized, .enabled(if: SystemdBox.obstacle == nil, "a box with systemd cannot be made here: run as root"))
struct BenchSystemdTests {
  @Test func asRootItIsAHardenedSystemService() throws {
    try Self.withBox { lab, box in
      let outcome = try Self.provision(lab, box, as: "root")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.error.contains("root on") && outcome.error.contains("systemd"), "\(outcome)")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == "root\n")
      let unit = try box.run(as: "root", "systemctl is-enabled fleet-agent && systemctl is-active fleet-agent")
      #expect(unit.output == "enabled\nactive\n", "\(unit)")
      let owner = try box.run(as: "root", "ps -o user= -C fleet-agent; stat -c '%U %a' /etc/fleet-agent/id_ed25519")
      #expect(
        owner.output == "fleet-a+\nfleet-agent 600\n" || owner.output == "fleet-agent\nfleet-agent 600\n", "\(owner)")

      // Once more: nothing is written, and the service is not started anew.
      let pid = try box.run(as: "root", "systemctl show -p MainPID fleet-agent").output
      let again = try Self.provision(lab, box, as: "root")
      #expect(again.status == 0 && !again.error.contains("start the service"), "\(again)")
      #expect(try box.run(as: "root", "systemctl show -p MainPID fleet-agent").output == pid)

      // systemd starts it again when it has ended.
      _ = try box.run(as: "root", "kill -9 $(systemctl show -p MainPID --value fleet-agent)")
      try eventually("another agent is online", within: 30) {
        try box.run(as: "root", "systemctl show -p MainPID fleet-agent").output != pid
          && lab.state("kitchen-pi") == "online"
      }
    }
  }

  @Test func asAnOrdinaryAccountItIsAServiceThatLingers() throws {
    try Self.withBox { lab, box in
      let outcome = try Self.provision(lab, box, as: box.user)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.error.contains("let the services of \(box.user) run without a login"), "\(outcome)")
      let unit = try box.run(
        as: box.user, "systemctl --user is-enabled fleet-agent && systemctl --user is-active fleet-agent")
      #expect(unit.output == "enabled\nactive\n", "\(unit)")
      #expect(try box.run(as: "root", "test -e /var/lib/systemd/linger/\(box.user)").status == 0)
      #expect(try box.run(as: box.user, "stat -c %a ~/.config/fleet-agent/id_ed25519").output == "600\n")
      // Nothing of the system was touched.
      #expect(try box.run(as: "root", "ls -d /etc/fleet-agent /usr/local/bin/fleet-agent").status != 0)
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == "\(box.user)\n")
    }
  }

  private static func withBox(_ body: (Lab, SystemdBox) throws -> Void) throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let box = try SystemdBox(lab, port: lab.ports.box(2))
      defer { box.stop() }
      try body(lab, box)
    }
  }

  private static func provision(_ lab: Lab, _ box: SystemdBox, as account: String) throws -> Outcome {
    try lab.run(
      lab.laptop, ["fleet", "provision", "kitchen-pi", "--to", "\(account)@127.0.0.1:\(box.port)"], within: 120)
  }
}
