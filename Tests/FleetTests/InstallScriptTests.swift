import Foundation
import Testing

@testable import fleet

/// `install.sh` for an account on a box with cron and no systemd, in a home that is thrown away.
@Suite(.serialized) struct InstallScriptTests {
  @Test func cronStartsTheAgentAndUninstallLeavesNothing() throws {
    try Box.with { box in
      try FileStore.replace("\(box.home)/crontab", with: "5 4 * * * backup\n".utf8)
      let first = try box.install()
      defer { _ = try? box.install("--uninstall") }
      #expect(first.status == 0, "\(first.text)\(first.errorText)")
      let table = try box.table()
      #expect(table.hasPrefix("5 4 * * * backup\n") && table.contains("\n@reboot '") && table.contains("\n* * * * * '"))
      #expect(
        table.contains("'\(box.home)/.local/bin/fleet-agent' run --config '\(box.home)/.config/fleet-agent/agent.json'")
      )
      try eventually("the agent runs") { try box.agents().count == 1 }
      let key = try FileManager.default.attributesOfItem(atPath: "\(box.home)/.config/fleet-agent/id_ed25519")
      #expect(key[.posixPermissions] as? Int == 0o600)

      // Again: nothing is done, and the same process goes on.
      let agents = try box.agents()
      let second = try box.install()
      #expect(
        second.status == 0 && !second.text.contains("\nwrite ") && !second.text.contains("start"), "\(second.text)")
      #expect(try box.table() == table && box.agents() == agents)

      // A changed file: only that is written, and the agent starts anew.
      try FileStore.replace("\(box.bundle)/agent.json", with: "{\"other\":1}\n".utf8)
      let third = try box.install()
      #expect(
        third.text.contains("write \(box.home)/.config/fleet-agent/agent.json") && !third.text.contains("id_ed25519"))
      try eventually("another process runs") { try box.agents().count == 1 && box.agents() != agents }

      let removed = try box.install("--uninstall")
      #expect(removed.status == 0, "\(removed.errorText)")
      #expect(try box.table() == "5 4 * * * backup\n" && box.agents().isEmpty)
      #expect(
        !FileStore.exists("\(box.home)/.config/fleet-agent") && !FileStore.exists("\(box.home)/.local/bin/fleet-agent"))
      #expect(try box.install("--uninstall").text == "")
    }
  }

  @Test func aKeyThatTheDeviceHasReplacedStays() throws {
    try Box.with { box in
      let folder = "\(box.home)/.config/fleet-agent"
      func key() throws -> String {
        String(decoding: try FileStore.content(of: "\(folder)/id_ed25519") ?? [], as: UTF8.self)
      }
      try FileStore.replace("\(box.bundle)/agent.json", with: "{\"v\":1,\"device\":\"0f3a\"}\n".utf8)
      #expect(try box.install().status == 0)
      defer { _ = try? box.install("--uninstall") }
      try FileStore.replace("\(folder)/id_ed25519", with: "replaced\n".utf8)
      #expect(try !box.install().text.contains("id_ed25519"))
      #expect(try key() == "replaced\n")

      // Another bundle for the same device, or one for another, has a key that is newer.
      for (device, secret) in [("0f3a", "second\n"), ("77aa", "third\n")] {
        try FileStore.replace("\(box.bundle)/agent.json", with: "{\"v\":1,\"device\":\"\(device)\"}\n".utf8)
        try FileStore.replace("\(box.bundle)/id_ed25519", with: secret.utf8)
        try FileStore.replace("\(folder)/id_ed25519.new", with: "half way\n".utf8)
        #expect(try box.install().status == 0)
        #expect(try key() == secret && !FileStore.exists("\(folder)/id_ed25519.new"))
      }
    }
  }

  @Test func aBoxThatIsToJoinIsInstalledWithoutAKeyOfItsOwn() throws {
    try Box.with { box in
      let folder = "\(box.home)/.config/fleet-agent"
      unlink("\(box.bundle)/agent.json")
      unlink("\(box.bundle)/id_ed25519")
      try FileStore.replace("\(box.bundle)/enroll.json", with: "{\"v\":1,\"key_file\":\"enroll_ed25519\"}\n".utf8)
      #expect(try box.install().errorText.contains("enroll_ed25519 is missing"))
      try FileStore.replace("\(box.bundle)/enroll_ed25519", with: "secret\n".utf8)
      let first = try box.install()
      defer { _ = try? box.install("--uninstall") }
      #expect(first.status == 0, "\(first.errorText)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(names) == ["enroll.json", "enroll_ed25519"])
      #expect(try box.table().contains("run --config '\(folder)/agent.json'"))
      // Once it has joined, the image's files stay out.
      for name in names { unlink("\(folder)/\(name)") }
      try FileStore.replace("\(folder)/agent.json", with: "{\"name\":\"kiosk-7\"}\n".utf8)
      #expect(try box.install().text.contains("this box is the device kiosk-7 already"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["agent.json"])
    }
  }

  @Test func aRehearsalChangesNothing() throws {
    try Box.with { box in
      let before = try FileManager.default.subpathsOfDirectory(atPath: box.home).sorted()
      let outcome = try box.install("--dry-run")
      #expect(outcome.status == 0 && outcome.text.contains("would start the agent now"), "\(outcome.errorText)")
      #expect(!outcome.text.contains("\nwrite ") && outcome.text.contains("\nwould write "), "\(outcome.text)")
      #expect(try FileManager.default.subpathsOfDirectory(atPath: box.home).sorted() == before)
    }
  }

  /// As `fleet provision --dry-run` has it: the script comes on standard input, and no file of the bundle is there.
  @Test func aRehearsalNeedsNoFiles() throws {
    try Box.with { box in
      let before = try FileManager.default.subpathsOfDirectory(atPath: box.home).sorted()
      let outcome = try Subprocess.run(
        ["env", "-i", "HOME=\(box.home)", "PATH=\(box.home)/bin", "sh", "-s", "--", "--dry-run", "--from", "/nowhere"],
        input: .bytes(try DeviceFiles(folder: Checkout.deviceFiles).content(of: "install.sh")))
      #expect(outcome.status == 0 && outcome.errorText.isEmpty, "\(outcome.errorText)")
      #expect(outcome.text.contains("/agent.json, mode 6") && outcome.text.contains("\n  crontab: @reboot "))
      #expect(outcome.text.split(separator: "\n").allSatisfy { $0.hasPrefix("would ") || $0.hasPrefix("  ") })
      #expect(try FileManager.default.subpathsOfDirectory(atPath: box.home).sorted() == before)
    }
  }

  /// A run that was cut off after the files and before the start: the next one finds every file in place, and must
  /// start the agent anew all the same.
  @Test func anInterruptedChangeIsFinishedByTheNextRun() throws {
    try Box.with { box in
      #expect(try box.install().status == 0)
      defer { _ = try? box.install("--uninstall") }
      try eventually("the agent runs") { try box.agents().count == 1 }
      let agents = try box.agents()
      try FileStore.replace("\(box.bundle)/agent.json", with: "{\"other\":1}\n".utf8)
      // Its reader goes away after the line that tells of the file.
      let command =
        "sh \(ShellWord.quoted(box.bundle))/install.sh --user | sed '/agent.json/q' >/dev/null"
      _ = try Subprocess.run(["env", "-i", "HOME=\(box.home)", "PATH=\(box.home)/bin", "sh", "-c", command])
      try eventually("the file is there") {
        try FileStore.content(of: "\(box.home)/.config/fleet-agent/agent.json") == Array("{\"other\":1}\n".utf8)
      }
      #expect(try box.install().status == 0)
      try eventually("another process runs") { try box.agents().count == 1 && box.agents() != agents }
      #expect(!FileStore.exists("\(box.home)/.config/fleet-agent/restart-needed"))
    }
  }

  @Test func withNeitherSystemdNorCronItSaysSo() throws {
    try Box.with { box in
      unlink("\(box.home)/bin/crontab")
      let outcome = try box.install()
      defer { _ = try? box.install("--uninstall") }
      #expect(outcome.status == 3 && outcome.errorText.contains("after a reboot"))
      try eventually("the agent runs") { try box.agents().count == 1 }
    }
  }

  @Test func whatCannotBeDoneIsNamed() throws {
    try Box.with { box in
      #expect(try box.install("--bogus").status == 2)
      try FileStore.replace("\(box.home)/.config/fleet-agent", with: "in the way".utf8)
      let inTheWay = try box.install()
      #expect(inTheWay.status == 1 && inTheWay.errorText.contains(".config/fleet-agent"))
      unlink("\(box.home)/.config/fleet-agent")
      try FileStore.replace("\(box.bundle)/fleet-agent", with: "#!/bin/sh\nexit 1\n".utf8)
      chmod("\(box.bundle)/fleet-agent", 0o755)
      let wrong = try box.install()
      #expect(wrong.status == 1 && wrong.errorText.contains("does not run on this machine"))
      unlink("\(box.bundle)/id_ed25519")
      #expect(try box.install().errorText.contains("id_ed25519 is missing"))
      #expect(!FileStore.exists("\(box.home)/.config/fleet-agent"))
    }
  }

  @Test func theScriptsAreCleanForShellcheck() throws {
    guard
      let outcome = try? Subprocess.run([
        "shellcheck", "\(Checkout.deviceFiles)/install.sh", "\(Checkout.deviceFiles)/probe.sh",
        "\(Checkout.deviceFiles)/first-boot.sh", "\(Checkout.deviceFiles)/cloud-init.sh",
      ])
    else { return }
    #expect(outcome.status == 0, "\(outcome.text)")
  }
}

/// An account's home with a bundle in it. The agent is a copy of bash, which a script keeps busy, so that a process
/// of its own runs from the installed file.
struct Box {
  let home: String
  var bundle: String { "\(home)/fleet-agent-x" }

  static func with(_ body: (Box) throws -> Void) throws {
    try Scratch.with { folder in
      let box = Box(home: folder)
      try box.prepare()
      try body(box)
    }
  }

  private func prepare() throws {
    // Only these programs are on the PATH: the machine's own cron and systemd stay out of it.
    let bin = "\(home)/bin"
    try FileStore.makeFolder(bin)
    for tool in [
      "sh", "id", "cat", "cksum", "cp", "mv", "rm", "chmod", "cmp", "dirname", "mkdir", "readlink", "sed", "setsid",
      "sleep",
      "uname",
    ] {
      let path = ["/usr/bin/\(tool)", "/bin/\(tool)"].first(where: FileStore.exists)
      try FileManager.default.createSymbolicLink(atPath: "\(bin)/\(tool)", withDestinationPath: try #require(path))
    }
    try FileStore.replace(
      "\(bin)/crontab",
      with: """
        #!/bin/sh
        case $1 in
        -l) cat "$HOME/crontab" 2>/dev/null || exit 1 ;;
        -r) rm -f "$HOME/crontab" ;;
        -) cat >"$HOME/crontab" ;;
        esac

        """.utf8)
    chmod("\(bin)/crontab", 0o755)
    for name in DeviceFiles.names {
      try FileStore.replace("\(bundle)/\(name)", with: try DeviceFiles(folder: Checkout.deviceFiles).content(of: name))
    }
    try FileStore.replace("\(bundle)/agent.json", with: "{}\n".utf8)
    try FileStore.replace("\(bundle)/id_ed25519", with: "secret\n".utf8)
    try FileManager.default.copyItem(atPath: "/bin/bash", toPath: "\(bundle)/fleet-agent")
    // `fleet-agent run` makes bash run the script `run` of the present folder.
    #expect(mkfifo("\(home)/fifo", 0o600) == 0)
    try FileStore.replace("\(home)/run", with: "read -r line <'\(home)/fifo'\n".utf8)
  }

  func install(_ arguments: String...) throws -> Subprocess.Outcome {
    let command = "cd \(ShellWord.quoted(home)) && exec sh \(ShellWord.quoted(bundle))/install.sh --user \"$@\""
    return try Subprocess.run(
      ["env", "-i", "HOME=\(home)", "PATH=\(home)/bin", "sh", "-c", command, "sh"] + arguments)
  }

  func table() throws -> String { String(decoding: try FileStore.content(of: "\(home)/crontab") ?? [], as: UTF8.self) }

  /// The processes that run from the installed file.
  func agents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { entry in
      Int(entry) != nil
        && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(entry)/exe"))?
          .hasPrefix("\(home)/.local/bin/fleet-agent") == true
    }
  }
}
