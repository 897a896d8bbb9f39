import FleetProtocol
import Foundation
import Testing

@testable import fleet

@Suite struct ShellBundleTests {
  private static let settings = ShellSettings(
    device: DeviceID("0f3a5c7e9b1d2f40")!, name: Sample.kitchen, port: TCPPort(20_007)!,
    host: HostAddress(
      account: Sample.pi,
      endpoints: [
        HostAddress.Endpoint(address: "hosta.example", port: TCPPort(2222)!),
        HostAddress.Endpoint(address: "hosta.example", port: TCPPort(443)!),
        HostAddress.Endpoint(address: "2001:db8::1", port: TCPPort(22)!),
      ], hostKeys: [Sample.hostKey]), sshdPort: TCPPort(22)!)

  @Test func settingsAndPins() {
    let lines = Self.settings.text.split(separator: "\n")
    #expect(lines.contains("ENDPOINTS='hosta.example/2222 hosta.example/443 2001:db8::1/22'"))
    #expect(lines.contains("PORT='20007'") && lines.contains("ACCOUNT='pi'") && lines.contains("CLIENT='auto'"))
    #expect(lines.dropFirst().allSatisfy { $0.wholeMatch(of: /[A-Z_]+='[^']+'/) != nil })
    #expect(
      Self.settings.knownHosts == "hosta.example \(Sample.hostKeyText)\n2001:db8::1 \(Sample.hostKeyText)\n")
  }

  /// The conversion is compared with Dropbear's own programs, where they are installed.
  @Test func dropbearReadsTheKey() throws {
    try Scratch.with { folder in
      let key = "\(folder)/id_ed25519"
      #expect(try Subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key]).status == 0)
      let text = String(decoding: try #require(try FileStore.content(of: key)), as: UTF8.self)
      let converted = try #require(DropbearKey.bytes(fromOpenSSH: text))
      #expect(converted.count == 4 + 11 + 4 + 64)
      #expect(DropbearKey.bytes(fromOpenSSH: text.replacing("OPENSSH", with: "RSA")) == nil)
      #expect(DropbearKey.bytes(fromOpenSSH: "") == nil)
      guard FileManager.default.isExecutableFile(atPath: "/usr/bin/dropbearconvert") else { return }
      let other = "\(folder)/id_dropbear"
      #expect(try Subprocess.run(["dropbearconvert", "openssh", "dropbear", key, other]).status == 0)
      #expect(try FileStore.content(of: other) == converted)
    }
  }

  @Test func aKeyWithAPassphraseIsNoKeyForABox() throws {
    try Scratch.with { folder in
      let key = "\(folder)/id_ed25519"
      #expect(try Subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key]).status == 0)
      let bytes = try #require(try FileStore.content(of: key))
      let bundle = ShellBundle(
        settings: Self.settings, key: bytes, files: DeviceFiles(folder: Checkout.deviceFiles))
      #expect(throws: Refusal.self) { try bundle.content() }
    }
  }

  /// What is not KEY='value' with a plain value is refused, and nothing of it is ever run.
  @Test(arguments: [
    ("PORT='20007'", "PORT=20007"), ("PORT='20007'", "PORT='2000x'"), ("PORT='20007'", "PORT='$(touch ran)'"),
    ("PORT='20007'", "PORT='1'; touch ran; : '"), ("ACCOUNT='pi'", "ACCOUNT='-oProxyCommand=touch ran'"),
    ("CLIENT='auto'", "OTHER='x'"), ("PORT='20007'\n", ""), ("ACCOUNT='pi'", "ACCOUNT='pi'\r"),
  ])
  func badSettingsAreRefused(_ old: String, _ new: String) throws {
    try Scratch.with { folder in
      try FileStore.replace("\(folder)/settings", with: Self.settings.text.replacing(old, with: new).utf8)
      let outcome = try Subprocess.run([
        "sh", "-c", "cd \"$1\" && exec sh \"$2\" --folder .", "sh", folder,
        "\(Checkout.deviceFiles)/shell-agent/fleet-shell-agent.sh",
      ])
      #expect(outcome.status != 0 && !outcome.errorText.isEmpty, "\(outcome.errorText)")
      #expect(!outcome.errorText.contains("id_ed25519 is missing"), "\(outcome.errorText)")
      #expect(!FileStore.exists("\(folder)/ran"))
    }
  }

  /// With cron and nothing else: installed, installed again, taken off.
  @Test func cronStartsTheShellAgentAndUninstallLeavesNothing() throws {
    try Scratch.with { folder in
      let bundle = "\(folder)/bundle"
      for name in ShellBundle.programFiles {
        try FileStore.replace(
          "\(bundle)/\(name)",
          with: try DeviceFiles(folder: Checkout.deviceFiles).content(of: "shell-agent/\(name)"))
      }
      // An agent that only stays.
      try FileStore.replace("\(bundle)/fleet-shell-agent.sh", with: "while :; do sleep 1; done\n".utf8)
      for name in ["settings", "known_hosts", "id_ed25519", "id_dropbear"] {
        try FileStore.replace("\(bundle)/\(name)", with: "\(name)\n".utf8)
      }
      try FileStore.replace(
        "\(folder)/bin/crontab",
        with: """
          #!/bin/sh
          case $1 in
          -l) cat "$HOME/crontab" 2>/dev/null || exit 1 ;;
          -r) rm -f "$HOME/crontab" ;;
          -) cat >"$HOME/crontab" ;;
          esac

          """.utf8)
      try FileStore.replace("\(folder)/bin/systemctl", with: "#!/bin/sh\nexit 1\n".utf8)
      for program in ["crontab", "systemctl"] { chmod("\(folder)/bin/\(program)", 0o755) }
      func install(_ arguments: String...) throws -> Subprocess.Outcome {
        try Subprocess.run(
          ["env", "-i", "HOME=\(folder)", "PATH=\(folder)/bin:/usr/bin:/bin", "sh", "\(bundle)/install.sh", "--user"]
            + arguments)
      }
      func table() throws -> String {
        String(decoding: try FileStore.content(of: "\(folder)/crontab") ?? [], as: UTF8.self)
      }
      #expect(try install("--dry-run").text.contains("would start the agent now"))
      #expect(!FileStore.exists("\(folder)/.config"))

      try FileStore.replace("\(folder)/crontab", with: "5 4 * * * backup\n".utf8)
      let first = try install()
      defer { _ = try? install("--uninstall") }
      #expect(first.status == 0, "\(first.text)\(first.errorText)")
      #expect(try table().hasPrefix("5 4 * * * backup\n") && table().contains("\n@reboot /bin/sh '\(folder)/.local"))
      try eventually("the agent runs") { try !install("--dry-run").text.contains("would start") }
      let again = try install()
      #expect(again.status == 0 && again.text == "", "\(again.text)\(again.errorText)")

      // The device replaced its key: the bundle's, which opens nothing any more, does not come back.
      let home = "\(folder)/.config/fleet-shell-agent"
      try FileStore.replace("\(home)/replaced", with: "id_ed25519\n".utf8)
      try FileStore.replace("\(home)/id_ed25519", with: "new\n".utf8)
      #expect(try install().status == 0)
      #expect(try FileStore.content(of: "\(home)/id_ed25519") == Array("new\n".utf8))

      #expect(try install("--uninstall").status == 0)
      #expect(try table() == "5 4 * * * backup\n")
      #expect(!FileStore.exists(home) && !FileStore.exists("\(folder)/.local/bin/fleet-shell-agent"))
      #expect(try install("--uninstall").text == "" && install("--bogus").status == 2)
    }
  }

  @Test func theShellAgentIsCleanForShellcheck() throws {
    let folder = "\(Checkout.deviceFiles)/shell-agent"
    for shell in ["sh", "dash"] {
      guard
        let outcome = try? Subprocess.run([
          "shellcheck", "--shell", shell, "\(folder)/fleet-shell-agent.sh", "\(folder)/install.sh",
          "\(folder)/fleet-shell-agent.init",
        ])
      else { return }
      #expect(outcome.status == 0, "\(outcome.text)")
    }
  }
}
