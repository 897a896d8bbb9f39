import Foundation
import Testing

/// `fleet provision NAME --image MOUNTPOINT`, with folders that stand in for the partitions of a card.
@Suite(.serialized) struct ImageTests {
  private func makeRoot(_ lab: Lab) throws -> URL {
    try lab.succeed(
      lab.laptop,
      [
        "sh", "-c",
        """
        mkdir -p card/etc/systemd/system card/usr/lib/systemd card/usr/bin
        cp /usr/bin/env card/usr/bin/env && cp /usr/bin/env card/usr/lib/systemd/systemd
        """,
      ])
    return lab.laptop.home.appending(path: "card")
  }

  private func contents(_ lab: Lab) throws -> String { try lab.succeed(lab.laptop, ["find", "card"]) }

  /// Boots the card's box: its disk is where the card was, and its first-boot script runs, here as an account with cron.
  private func boot(_ lab: Lab, _ folder: String) throws {
    try lab.carry("card/\(folder)", to: "disk")
    let outcome = try lab.run(
      lab.box, ["sh", "disk/first-boot.sh"],
      environment: ["PATH": "\(lab.box.home.path)/bin:/usr/local/bin:/usr/bin:/bin"])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: "disk").path))
  }

  @Test func aRootFileSystemThatIsBootedComesOnline() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      _ = try makeRoot(lab)
      let command = ["--user", lab.box.name, "--sshd-port", "\(lab.ports.box(0))", "--image", "card"]
      let first = try lab.run(lab.laptop, ["fleet", "provision", "kitchen-pi"] + command)
      #expect(first.status == 0 && first.error.contains("boot the box from it"), "\(first)")
      let written = try contents(lab)
      #expect(written.contains("etc/systemd/system/multi-user.target.wants/fleet-agent-first-boot.service"))

      // Again: the same key, the same lease, nothing besides.
      let again = try lab.run(lab.laptop, ["fleet", "provision", "kitchen-pi"] + command)
      #expect(again.status == 0 && again.error.contains("as before"), "\(again)")
      #expect(try contents(lab) == written)
      let other = try lab.run(lab.laptop, ["fleet", "provision", "attic-pi"] + command)
      #expect(other.status == 1 && other.error.contains("kitchen-pi already"), "\(other)")

      try boot(lab, "etc/fleet-agent-first-boot")
      defer { lab.uninstall() }
      try lab.online("kitchen-pi")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "id -un") == lab.box.name + "\n")
    }
  }

  @Test func aBootPartitionThatIsBootedComesOnline() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.startBenchBox()
      try lab.write("#cloud-config\nhostname: kitchen\n", to: "card/user-data", of: lab.laptop)
      try lab.fleetSucceeds(
        "provision", "kitchen-pi", "--user", lab.box.name, "--sshd-port", "\(lab.ports.box(0))", "--image", "card")
      let userData = try String(contentsOf: lab.laptop.home.appending(path: "card/user-data"), encoding: .utf8)
      #expect(userData.contains("#cloud-config\nhostname: kitchen\n") && userData.contains("first-boot.sh"))
      try boot(lab, "fleet-agent-first-boot")
      defer { lab.uninstall() }
      try lab.online("kitchen-pi")
    }
  }

  /// Refused before anything is done: no lease, and nothing on the card.
  @Test func aCardThatCannotBeUsedIsLeftAsItIs() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      _ = try makeRoot(lab)
      func refused(_ image: String, _ reason: String) throws {
        let outcome = try lab.fleet("provision", "kitchen-pi", "--user", "pi", "--image", image)
        #expect(outcome.status == 1 && outcome.error.contains(reason), "\(outcome)")
        #expect(try lab.device("kitchen-pi") == nil)
      }
      try refused("/", "runs here")
      try refused("no-such-folder", "not a folder")
      try lab.write("hostname: kitchen\n", to: "boot/user-data", of: lab.laptop)
      try refused("boot", "no form of cloud-init's")
      if lab.laptop.uid != nil || getuid() != 0 {
        let before = try contents(lab)
        try lab.succeed(lab.laptop, ["chmod", "500", "card/etc/systemd/system"])
        try refused("card", "cannot write to")
        #expect(try contents(lab) == before)
      }
    }
  }

  /// An image for another processor than the laptop's takes an agent for that one.
  @Test func theAgentMustBeForTheImagesMachine() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let card = try makeRoot(lab)
      // An ELF head that says aarch64.
      var head = [UInt8](repeating: 0, count: 64)
      head.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
      head[18] = 183
      try Data(head).write(to: card.appending(path: "usr/bin/env"))
      let outcome = try lab.fleet("provision", "kitchen-pi", "--user", "pi", "--image", "card")
      #expect(outcome.status == 1 && outcome.error.contains("aarch64"), "\(outcome)")
      #expect(try lab.device("kitchen-pi") == nil)
    }
  }
}
