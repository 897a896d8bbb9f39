import Foundation
import Testing

/// `fleet init ACCOUNT@HOST`: from an account with an sshd to a HostA, with a machine that has cron and no systemd.
@Suite(.serialized) struct HostSetupTests {
  @Test func twoCommandsFromNothingToADevice() throws {
    try Lab.with { lab in
      try lab.startHostLogin()
      let first = try lab.fleetInit()
      defer { _ = try? lab.hostInstallScript("--uninstall") }
      #expect(first.status == 0, "\(first)")
      #expect(first.error.contains("✓ log in: HostA 127.0.0.1 port \(lab.ports.hostA) knows you as anna"), "\(first)")
      try lab.startBoxSSHD()
      try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      #expect(try lab.fleetSucceeds("list").contains("kitchen-pi"))
      let known = lab.laptop.home.appending(path: ".ssh/id_ed25519").path
      #expect(try lab.fleetSucceeds("ssh", "-i", known, "kitchen-pi", "id -un") == lab.box.name + "\n")

      // Once more: nothing is written twice and the same process goes on, with its tunnel.
      let table = try String(contentsOf: lab.hostA.home.appending(path: "crontab"), encoding: .utf8)
      #expect(table.contains("@reboot '") && table.contains("\n* * * * * '"))
      let runs = try lab.hostRuns()
      let second = try lab.fleetInit()
      #expect(second.status == 0 && second.error.contains("it is HostA already"), "\(second)")
      #expect(!second.error.contains("    write ") && !second.error.contains("    start "), "\(second)")
      #expect(try lab.hostRuns() == runs && runs.count == 1)
      #expect(try String(contentsOf: lab.hostA.home.appending(path: "crontab"), encoding: .utf8) == table)
      #expect(try lab.state("kitchen-pi") == "online")

      // What cron does every minute: the lock ends it at once.
      let command = table.split(separator: "\n").first { $0.hasPrefix("* * * * * ") }!.dropFirst(10)
      let cron = try lab.run(lab.hostA, ["sh", "-c", String(command.replacing(">/dev/null 2>&1", with: ""))])
      #expect(cron.status == 1 && cron.error.contains("another fleet-server works on"), "\(cron)")
      #expect(try lab.hostRuns() == runs)

      // The registry outlives the program, and goes only when that is asked for.
      let removed = try lab.hostInstallScript("--uninstall")
      #expect(removed.status == 0 && removed.output.contains("the registry stays"), "\(removed)")
      #expect(try lab.hostRuns().isEmpty)
      #expect(FileManager.default.fileExists(atPath: lab.serverHome.appending(path: "registry.db").path))
      #expect(!FileManager.default.fileExists(atPath: lab.hostA.home.appending(path: "crontab").path))
      #expect(try lab.fleetInit().status == 0)
      try lab.online("kitchen-pi", within: 60)
      #expect(try lab.hostInstallScript("--uninstall", "--purge").status == 0)
      #expect(!FileManager.default.fileExists(atPath: lab.serverHome.path))
    }
  }

  /// The connection is lost in the first session, then in the second, and so on: each run says so and the next continues.
  @Test func aConnectionThatIsLostAtAnyStepIsContinued() throws {
    try Lab.with { lab in
      try lab.startHostLogin()
      defer { _ = try? lab.hostInstallScript("--uninstall") }
      var session = 0
      while true {
        session += 1
        try lab.cutHostLogin(session: session)
        let outcome = try lab.fleetInit()
        if outcome.status == 0 { break }
        #expect(outcome.status == 6 && outcome.error.contains("run the same command again"), "\(outcome)")
        guard session < 20 else { throw NeverHappened(what: "init ends well: \(outcome)") }
      }
      // The last session, which only tidies up, may be lost without a word.
      #expect(session >= 7)
      #expect(try lab.hostRuns().count == 1)
      try lab.fleetSucceeds("list", "--all")
    }
  }

  @Test func aRehearsalChangesNothing() throws {
    try Lab.with { lab in
      try lab.startHostLogin()
      try lab.cutHostLogin(session: 0)
      let before = try FileManager.default.subpathsOfDirectory(atPath: lab.hostA.home.path).sorted()
      let outcome = try lab.fleetInit("--dry-run")
      #expect(outcome.status == 0 && outcome.error.contains("would make it HostA, with anna as the first operator"))
      #expect(outcome.error.contains("would let cron start HostA at boot"), "\(outcome)")
      #expect(try FileManager.default.subpathsOfDirectory(atPath: lab.hostA.home.path).sorted() == before)
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: ".config/fleet").path))
    }
  }

  @Test func whatCannotBeDoneIsNamed() throws {
    try Lab.with { lab in
      try lab.makeOperatorKey()
      let away = try lab.fleetInit()
      #expect(away.status == 6 && away.error.contains("HostA \(lab.hostLogin) does not answer"), "\(away)")

      try succeedInRemovingKey(lab)
      try lab.startHostLogin()
      // An ELF header of a program for another processor.
      let head: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 8, 0]
      let foreign = lab.laptop.home.appending(path: "fleet-server-mips")
      try Data(head).write(to: foreign)
      if let uid = lab.laptop.uid { chown(foreign.path, uid, uid) }
      let wrong = try lab.fleetInit("--server", foreign.path)
      #expect(wrong.status != 0 && wrong.error.contains("no fleet-server for HostA"), "\(wrong)")
      var arm = head
      arm[18] = 183
      try Data(arm).write(to: foreign)
      let otherMachine = try lab.fleetInit("--server", foreign.path)
      #expect(otherMachine.status == 1 && otherMachine.error.contains("is for aarch64"), "\(otherMachine)")

      let range = try lab.fleetInit("--ports", "none")
      #expect(range.status == 1 && range.error.contains("is not a range of ports"), "\(range)")
      #expect(try lab.hostRuns().isEmpty)

      // A firewall in between looks like this: HostA answers, but not where laptops look for it.
      defer { _ = try? lab.hostInstallScript("--uninstall") }
      let closed = try lab.fleetInit("--address", "127.0.0.9")
      #expect(closed.status == 6 && closed.error.contains("let TCP port \(lab.ports.hostA) through"), "\(closed)")
      let otherAddress = try lab.fleetInit("--address", "127.0.0.1")
      #expect(otherAddress.status == 1 && otherAddress.error.contains("has address 127.0.0.9"), "\(otherAddress)")
    }
  }

  /// A disk with less room than the program needs is told before anything is copied; so is one that only looks empty.
  @Test(.enabled(if: getuid() == 0, "it needs root, for a small disk")) func aFullDiskIsNamed() throws {
    try Lab.with { lab in
      try lab.startHostLogin()
      try lab.write(
        "#!/bin/sh\nprintf 'Filesystem\\nx 9000 8000 1000 1%% /\\n'\n", to: "bin/df", of: lab.hostA, mode: 0o700)
      let small = try lab.fleetInit()
      #expect(small.status == 1 && small.error.contains("HostA has only 0 MiB free"), "\(small)")

      try lab.write("#!/bin/sh\necho\n", to: "bin/df", of: lab.hostA, mode: 0o700)
      // /dev/full is a disk without room.
      try lab.succeed(
        lab.hostA, ["sh", "-c", "mkdir ~/fleet-server-setup && ln -s /dev/full ~/fleet-server-setup/fleet-server.new"])
      let full = try lab.fleetInit()
      #expect(full.status == 1 && full.error.contains("No space left on device"), "\(full)")
      #expect(try lab.hostRuns().isEmpty)
    }
  }

  private func succeedInRemovingKey(_ lab: Lab) throws {
    try lab.succeed(lab.laptop, ["sh", "-c", "rm ~/.ssh/id_ed25519 ~/.ssh/id_ed25519.pub"])
  }
}
