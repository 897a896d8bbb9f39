import FleetProtocol
import Foundation
import Testing
import ThrowawaySSHD

@testable import fleet

/// The built program against a stock sshd.
@Suite(.serialized) struct LiveTests {
  init() { signal(SIGPIPE, SIG_IGN) }

  @Test func loginWritesNothingUnlessAllIsWell() throws {
    try LiveHost.with { host in
      let target = "\(ThrowawaySSHD.account)@127.0.0.1:\(host.port)"
      let unconfirmed = try host.fleet("login", target, "--identity", host.identity)
      #expect(unconfirmed.status == 1 && unconfirmed.errorText.contains("--host-key"), "\(unconfirmed.errorText)")
      let wrong = "SHA256:" + String(repeating: "A", count: 43)
      let changed = try host.fleet("login", target, "--identity", host.identity, "--host-key", wrong)
      #expect(try changed.status == 6 && changed.errorText.contains(host.fingerprint), "\(changed.errorText)")
      #expect(try host.fleet("login", target, "--host-key", "MD5:x").status == 2)
      let stranger = "\(host.folder)/device_key"
      let denied = try host.fleet("login", target, "--host-key", host.fingerprint, "--identity", stranger)
      #expect(denied.status == 5, "\(denied.errorText)")
      #expect(!FileStore.exists(host.configuration))
      #expect(try host.fleet("list").status == 1)

      let done = try host.login()
      #expect(done.status == 0 && done.errorText.contains("alice") && done.output.isEmpty, "\(done.errorText)")
      #expect(try Configuration(parsing: try FileStore.content(of: host.configuration) ?? []).hosts.count == 1)
    }
  }

  @Test func listAndShow() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let list = try host.fleet("list")
      #expect(list.status == 0 && list.text.contains("kitchen-pi  online") && !list.text.contains("attic"))
      #expect(list.errorText == "1 device is offline; fleet list --all\n")
      #expect(try host.fleet("list", "--all").text.contains("attic"))
      #expect(try host.fleet("list", "--json").text.hasPrefix(#"{"v":1,"devices":[{"name":"kitchen-pi""#))
      #expect(try host.fleet("list", "state=offline", "--format", "{name}").text == "attic\n")
      #expect(try host.fleet("list", "attic", "--no-headers").text.hasPrefix("attic  offline"))
      let missing = try host.fleet("list", "nobody", "kitchen-pi")
      #expect(missing.status == 3 && missing.errorText.contains("did you mean") && missing.output.isEmpty)
      for wrong in [
        ["--format", "{nme}"], ["--sort", "nme"], ["--watch", "0"], ["--pending", "x"], ["--json", "--format=x"],
        ["state=gone"],
      ] {
        #expect(try host.fleet("list", wrong[0], wrong.last!).status == 2, "\(wrong)")
      }
      #expect(try host.fleet("show", "kitchen-pi").text.contains("port on HostA  20007"))
      let unknown = try host.fleet("show", "kitchenpi")
      #expect(unknown.status == 3 && unknown.errorText.contains("did you mean kitchen-pi?"))
      #expect(try host.fleet("show", "A;b").status == 2)
    }
  }

  /// What was told last is shown with its age, and the status says that it is not what is now.
  @Test func whileHostAIsAwayTheLastListIsShown() throws {
    try LiveHost.with { host in
      _ = try host.login()
      #expect(try host.fleet("list").status == 0)
      try host.moveAway()
      let table = try host.fleet("list", "--all")
      #expect(table.status == 6 && table.text.contains("kitchen-pi  was online"), "\(table.text)")
      #expect(table.errorText.contains("as of 0 s ago") || table.errorText.contains(" s ago ("), "\(table.errorText)")
      #expect(table.errorText.contains("fleet: HostA (127.0.0.1 port"), "\(table.errorText)")
      #expect(try host.fleet("list", "tag=none").text.isEmpty)
      let json = try host.fleet("list", "--json", "kitchen-*")
      #expect(json.status == 6 && json.text.hasPrefix(#"{"v":1,"as_of":"2026-01-02T03:04:"#), "\(json.text)")
      #expect(try host.fleet("list", "attic", "--format", "{name} {state}").text == "attic offline\n")
      #expect(try host.fleet("wait", "kitchen-pi").status == 6)
    }
  }

  @Test func aLongListGoesThroughThePagerAndAShortOneDoesNot() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let paged = "PAGER='sed s/^/paged:/' fleet list --all"
      #expect(try host.onTerminal(paged, rows: 3, columns: 80).contains("paged:kitchen-pi"))
      #expect(try !host.onTerminal(paged, rows: 24, columns: 80).contains("paged:"))
      #expect(try !host.onTerminal(paged + " --no-pager", rows: 3, columns: 80).contains("paged:"))
      #expect(try !host.onTerminal(paged + " | cat", rows: 3, columns: 80).contains("paged:"))
      let missing = try host.onTerminal("PAGER=no-such-pager fleet list --all", rows: 3, columns: 80)
      #expect(missing.contains("\nkitchen-pi  online"), "\(missing)")
      let narrow = try host.onTerminal("fleet list --all --no-pager", rows: 24, columns: 30)
      #expect(narrow.contains("NAME        STATE    LAST SEEN\r\n"), "\(narrow)")
    }
  }

  @Test func watchingLeavesTheTerminalAsItWas() throws {
    try LiveHost.with { host in
      _ = try host.login()
      func watch(typed: String, meanwhile: String) throws -> String {
        let script = """
          cd '\(host.folder)'; stty -a >before; \(meanwhile)
          sh -c 'echo $$ >pid; exec "$0" list --watch 1' '\(Built.fleet)'; echo status=$?
          stty -a >after; cmp before after && echo same
          """
        return try host.onTerminal(script, rows: 24, columns: 80, typed: typed)
      }
      let quit = try watch(typed: "q", meanwhile: "")
      #expect(quit.contains("1 of 1 online") && quit.contains("status=0") && quit.contains("same"), "\(quit)")
      let wait = "(until grep -q 'q ends' typescript; do sleep 0.05; done; kill -INT $(cat pid)) &"
      let interrupted = try watch(typed: "", meanwhile: wait)
      #expect(interrupted.contains("status=130") && interrupted.contains("same"), "\(interrupted)")
      for said in [quit, interrupted] { #expect(said.contains("\u{1B}[?25l") && said.contains("\u{1B}[?25h")) }
    }
  }

  @Test func sshReturnsTheRemoteStatusAndKeepsEveryByte() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let status = try host.fleet("ssh", "-i", host.identity, "kitchen-pi", "echo out; echo err >&2; exit 7")
      #expect(status.status == 7 && status.text == "out\n" && status.errorText.contains("err"), "\(status.errorText)")
      let bytes = pseudorandomBytes(8 << 20, seed: 7)
      let echoed = try host.fleet("ssh", "-i", host.identity, "kitchen-pi", "--", "cat", input: .bytes(bytes))
      #expect(echoed.status == 0 && echoed.output == bytes)
      #expect(
        try FileStore.content(of: host.devicePins) == Array("kitchen-pi \(try host.key(of: "device_key"))\n".utf8))
      try eventually("no private folder stays behind") {
        try FileManager.default.contentsOfDirectory(atPath: host.temporaryFolder).isEmpty
      }
    }
  }

  @Test func refusalsHaveTheirStatuses() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let offline = try host.fleet("ssh", "attic")
      #expect(offline.status == 4 && offline.errorText == "fleet: attic is offline since 2026-01-02T03:04:05Z\n")
      let unknown = try host.fleet("ssh", "nobody")
      #expect(unknown.status == 3 && unknown.errorText.contains("  did you mean kitchen-pi?\n"))
      #expect(try host.fleet("proxy", "nobody").status == 3)
      #expect(try host.fleet("ssh", "garbage").status == 1)
      let silent = try host.fleet("ssh", "silent")
      #expect(silent.status == 1 && silent.errorText.contains("something broke"))
      #expect(try host.fleet("ssh").status == 2)
      #expect(try host.fleet("ssh", "-J", "x", "kitchen-pi").status == 2)
      let usage = try host.fleet("list", "--nonsense")
      #expect(usage.status == 2 && usage.errorText.hasPrefix("fleet: "))
      for command in [
        "show", "provision", "login", "rename", "tag", "replace", "remove", "rekey", "approve", "reject", "trust",
      ] {
        let option = try host.fleet(command, "-oProxyCommand=x")
        #expect(option.status == 2 && option.errorText.contains("Unknown option"), "\(option.errorText)")
        let nothing = try host.fleet(command)
        #expect(nothing.status == 2 && nothing.errorText.hasPrefix("fleet: which "), "\(nothing.errorText)")
      }
      #expect(try host.fleet("bogus").errorText.hasPrefix("fleet: there is no command 'bogus'\n"))
      #expect(try host.fleet("--help").status == 0 && host.fleet("ssh", "--help").status == 0)
    }
  }

  /// As in `fleet list | head -1`: no complaint about a reader that has heard enough; a full disk is one.
  @Test func aReaderThatLeavesIsNoErrorAndAFullDiskIs() throws {
    let left = try Subprocess.run(
      ["bash", "-c", "\"$0\" --help | true; echo ${PIPESTATUS[0]}", Built.fleet])
    #expect(left.errorText.isEmpty && ["0\n", "141\n"].contains(left.text), "\(left.errorText)\(left.text)")
    let full = try Subprocess.run(["bash", "-c", "\"$0\" --help >/dev/full", Built.fleet])
    #expect(full.status == 1 && full.errorText.contains("No space left"), "\(full.errorText)")
  }

  /// HostA vouches for another key than this laptop has accepted: no session, and the command that accepts it.
  @Test func aKeyThatWasRecordedAnewIsRefusedUntilItIsAccepted() throws {
    try LiveHost.with { host in
      _ = try host.login()
      func ssh() throws -> Subprocess.Outcome {
        try host.fleet("ssh", "-i", host.identity, "kitchen-pi", "echo works")
      }
      #expect(try ssh().text == "works\n")
      let key = KeyFingerprint.of(try PublicKey(parsing: try host.key(of: "device_key")))
      try FileStore.replace(host.devicePins, with: "kitchen-pi \(Sample.otherKeyText)\n".utf8)
      for outcome in [try ssh(), try host.fleet("proxy", "kitchen-pi"), try host.fleet("trust", "kitchen-pi")] {
        #expect(outcome.status == 1 && !outcome.text.contains("works"), "\(outcome.errorText)")
        #expect(outcome.errorText.contains("fleet trust kitchen-pi --accept \(key)'"), "\(outcome.errorText)")
      }
      let wrong = try host.fleet("trust", "kitchen-pi", "--accept", "SHA256:" + String(repeating: "A", count: 43))
      #expect(wrong.status == 1 && wrong.errorText.contains(key), "\(wrong.errorText)")
      #expect(try host.fleet("trust", "kitchen-pi", "--accept", "MD5:x").status == 2)
      #expect(try ssh().status == 1)
      let accepted = try host.fleet("trust", "kitchen-pi", "--accept", key)
      #expect(accepted.status == 0, "\(accepted.errorText)")
      let silent = try ssh()
      #expect(silent.text == "works\n" && silent.errorText.isEmpty, "\(silent.errorText)")
      let fits = try host.fleet("trust", "kitchen-pi")
      #expect(fits.status == 0 && fits.text.components(separatedBy: key).count == 4, "\(fits.errorText)\(fits.text)")
    }
  }

  /// The device shows a key that HostA does not vouch for: no session, whatever the person's options say.
  @Test func aForeignHostKeyIsRefused() throws {
    try LiveHost.with { host in
      _ = try host.login()
      try host.enroll(Sample.hostKeyText)
      let refused = try host.fleet(
        "ssh", "-i", host.identity, "-oStrictHostKeyChecking=no", "kitchen-pi", "echo reached")
      #expect(refused.status == 255 && !refused.text.contains("reached"))
      #expect(refused.errorText.contains("Host key verification failed"), "\(refused.errorText)")
      let key = KeyFingerprint.of(try PublicKey(parsing: try host.key(of: "device_key")))
      #expect(refused.errorText.hasPrefix("fleet: kitchen-pi shows a host key that nobody has recorded: \(key) "))
      #expect(!refused.errorText.contains("@@@"), "ssh's own alarm: \(refused.errorText)")
    }
  }

  @Test func hostAThatIsAwayOrAnotherIsNamed() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let text = try host.moveAway()
      for command in ["list", "ssh"] {
        let outcome = command == "list" ? try host.fleet("list") : try host.fleet("ssh", "kitchen-pi")
        #expect(outcome.status == 6 && outcome.errorText.contains("does not answer"), "\(outcome.errorText)")
      }
      try FileStore.replace(host.configuration, with: text.utf8)
      let pins = "\(host.folder)/state 100%/fleet/known_hosts"
      try FileStore.replace(pins, with: "fleet-host-127.0.0.1 \(Sample.hostKeyText)\n".utf8)
      let changed = try host.fleet("ssh", "kitchen-pi")
      #expect(changed.status == 6 && changed.errorText.contains("another host key"), "\(changed.errorText)")
    }
  }

  /// `fleet proxy` as anybody's own ssh uses it.
  @Test func proxyServesThePersonsOwnSSH() throws {
    try LiveHost.with { host in
      _ = try host.login()
      let proxy =
        "env FLEET_REUSE=0 XDG_CONFIG_HOME='\(host.folder)/con fig' XDG_STATE_HOME='\(host.folder)/state 100%%' \(Built.fleet) proxy %n"
      let bytes = pseudorandomBytes(4 << 20, seed: 9)
      let outcome = try Subprocess.run(
        [
          "ssh", "-F", "/dev/null", "-o", "ProxyCommand=\(proxy)", "-o", "StrictHostKeyChecking=yes",
          "-o", "UserKnownHostsFile=\(SSHOptionValue.path(host.devicePins))",
          "-o", "IdentityFile=\(SSHOptionValue.path(host.identity))", "kitchen-pi", "cat; exit 3",
        ], input: .bytes(bytes))
      #expect(outcome.status == 3 && outcome.output == bytes, "\(outcome.errorText)")
    }
  }
}
