import Foundation
import Testing

/// A device's host key is another one than before: who is told what, and what it takes to go on.
@Suite(.serialized) struct ChangedHostKeyTests {
  /// The device's sshd has a key that nobody has recorded, as after a reinstallation, or in front of another machine.
  @Test func aKeyThatNobodyRecordedIsRefusedUntilSomebodyVouchesForIt() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      let sshd = try lab.startBoxSSHD()
      try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      try lab.fleetSucceeds("config-ssh")
      #expect(try lab.fleetSucceeds("ssh", "kitchen-pi", "echo works") == "works\n")
      #expect(try lab.fleetElsewhere("ssh", "kitchen-pi", "echo works").output == "works\n")
      let old = try lab.boxFingerprint()
      #expect(try lab.fleetSucceeds("trust", "kitchen-pi").components(separatedBy: old).count == 4)

      try lab.swapHostKey(of: sshd)
      let new = try lab.boxFingerprint()
      // It is told by one sentence wherever ssh is, and stays: nothing was sent to the device.
      for _ in 0..<2 {
        for tool in [
          ["fleet", "ssh", "kitchen-pi", "touch ~/reached"], ["ssh", "kitchen-pi.fleet", "touch ~/reached"],
          ["rsync", "-a", ".ssh/id_ed25519.pub", "kitchen-pi.fleet:reached"],
        ] {
          let refused = try lab.run(lab.laptop, tool, input: "yes\n")
          // rsync has a status of its own for an ssh that has ended, if it notices in time.
          #expect(refused.status == 255 || tool[0] == "rsync" && refused.status == 12, "\(refused)")
          #expect(
            refused.error.hasPrefix(
              "fleet: kitchen-pi shows a host key that nobody has recorded: \(new) (ssh-ed25519)"),
            "\(refused)")
          #expect(
            refused.error.contains("instead of \(old) (recorded 20") && refused.error.contains("at its first contact"))
          #expect(refused.error.contains("'fleet trust kitchen-pi --accept \(new)'"), "\(refused)")
          #expect(!refused.error.contains("@@@") && !refused.error.contains("(yes/no"), "\(refused)")
        }
      }
      #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: "reached").path))
      let shown = try lab.fleet("trust", "kitchen-pi")
      #expect(shown.status == 1 && shown.output.contains("shown now          \(new) ssh-ed25519\n"), "\(shown)")

      // The old key's fingerprint is recorded and still does not bring anybody in; one that is neither is refused.
      let wrong = try lab.fleet("trust", "kitchen-pi", "--accept", "SHA256:" + String(repeating: "A", count: 43))
      #expect(wrong.status == 1 && wrong.error.contains("does not show SHA256:AAAA"), "\(wrong)")
      // Who may connect may not say what is recorded; who may only look may not even look at the device's key.
      for role in ["operator", "viewer"] {
        let environment = try lab.logIn(as: role)
        let denied = try lab.run(
          lab.laptop, ["fleet", "trust", "kitchen-pi", "--accept", new], environment: environment)
        #expect(denied.status == 5 && denied.output.isEmpty, "\(role): \(denied)")
        let refused = try lab.run(lab.laptop, ["fleet", "ssh", "kitchen-pi", "true"], environment: environment)
        #expect(refused.status == (role == "viewer" ? 5 : 255), "\(role): \(refused)")
      }
      #expect(try lab.audited("enroll").isEmpty)
      #expect(try lab.fleet("ssh", "kitchen-pi", "true").status == 255)

      let accepted = try lab.fleet("trust", "kitchen-pi", "--accept", new)
      #expect(accepted.status == 0, "\(accepted)")
      #expect(try lab.audited("enroll") == ["anna enroll kitchen-pi"])
      for tool in [["fleet", "ssh", "kitchen-pi", "echo works"], ["ssh", "kitchen-pi.fleet", "echo works"]] {
        let silent = try lab.run(lab.laptop, tool)
        #expect(silent.output == "works\n" && silent.error.isEmpty, "\(silent)")
      }

      // Another laptop is told who recorded it, and accepts it for itself.
      try lab.expectRefusalElsewhere(old: old, new: new, recorded: "by anna")
      #expect(try lab.audited("enroll").count == 1)
    }
  }

  /// The device has more keys than are recorded, and shows them in certificates: no alarm, whatever ssh prefers.
  @Test func otherKindsOfKeysAndCertificatesAreNoAlarm() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      try lab.succeed(
        lab.box,
        [
          "sh", "-c",
          """
          set -e
          mkdir -p sshd-0
          cd sshd-0
          ssh-keygen -q -t ecdsa -N '' -f host_key
          ssh-keygen -q -t ed25519 -N '' -f more_key
          ssh-keygen -q -t ed25519 -N '' -f ca
          ssh-keygen -q -s ca -I kitchen-pi -h host_key.pub
          """,
        ])
      let sshd = try lab.startBoxSSHD()
      let agent = try lab.startAgent("kitchen-pi", configuration: try lab.provisionBundle("kitchen-pi"))
      try lab.fleetSucceeds("config-ssh")
      let tools = [["fleet", "ssh", "kitchen-pi", "echo works"], ["ssh", "kitchen-pi.fleet", "echo works"]]
      for tool in tools { #expect(try lab.succeed(lab.laptop, tool) == "works\n") }

      // From now on it also has a key that ssh would rather have, and a certificate for the old one.
      sshd.stop()
      lab.endMasters()
      try eventually("no connection is left") { lab.masters.isEmpty }
      try lab.startBoxSSHD(
        extra: """
          HostKey \(lab.box.home.path)/sshd-0/more_key
          HostCertificate \(lab.box.home.path)/sshd-0/host_key-cert.pub
          """)
      for tool in tools {
        let silent = try lab.run(lab.laptop, tool)
        #expect(silent.output == "works\n" && silent.error.isEmpty, "\(silent)")
      }
      #expect(try lab.fleet("trust", "kitchen-pi").status == 0)
      #expect(agent.wait(0) == nil)
    }
  }
}

extension Lab {
  private var secondState: [String: String] {
    ["XDG_STATE_HOME": laptop.home.appending(path: "second").path]
  }

  /// Runs `fleet` on a laptop of the same person's that has seen other things: it has pins of its own.
  func fleetElsewhere(_ arguments: String...) throws -> Outcome {
    try succeed(
      laptop, ["sh", "-c", "mkdir -p second/fleet && cp .local/state/fleet/known_hosts second/fleet/known_hosts"])
    return try run(laptop, ["fleet"] + arguments, environment: secondState)
  }

  /// Adds an operator who is called like the role. Returns the environment of that person's programs on the laptop.
  fileprivate func logIn(as role: String) throws -> [String: String] {
    try succeed(laptop, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", role])
    let key = try write(try succeed(laptop, ["cat", "\(role).pub"]), to: "\(role).pub", of: hostA)
    try succeed(hostA, ["fleet-server", "operator", "add", role, "--key", key.path, "--role", role])
    let file = serverHome.appending(path: "ssh_host_ed25519_key.pub").path
    let fingerprint = try succeed(hostA, ["ssh-keygen", "-lf", file]).split(separator: " ")[1]
    let folder = laptop.home.appending(path: "of-\(role)").path
    let environment = ["XDG_CONFIG_HOME": "\(folder)/config", "XDG_STATE_HOME": "\(folder)/state"]
    try succeed(
      laptop,
      [
        "fleet", "login", "\(hostA.name)@\(hostAddress):\(ports.hostA)", "--host-key", String(fingerprint),
        "--identity", laptop.home.appending(path: role).path,
      ], environment: environment)
    return environment
  }

  /// The box's sshd has another host key from now on.
  func swapHostKey(of sshd: Running) throws {
    sshd.stop()
    try succeed(box, ["sh", "-c", "rm ~/sshd-0/host_key ~/sshd-0/host_key.pub"])
    // Over a connection that was made before, sessions would go on for a minute.
    endMasters()
    try eventually("no connection is left") { masters.isEmpty }
    try startBoxSSHD()
  }

  func boxFingerprint(_ n: Int = 0) throws -> String {
    let printed = try succeed(box, ["ssh-keygen", "-lf", "\(box.home.path)/sshd-\(n)/host_key.pub"])
    return String(printed.split(separator: " ")[1])
  }

  /// The second laptop knew the old key: it is told by whom and when another one was recorded, and goes on when
  /// somebody there has accepted it.
  func expectRefusalElsewhere(old: String, new: String, recorded: String) throws {
    let refused = try fleetElsewhere("ssh", "kitchen-pi", "echo works")
    #expect(refused.status == 1 && refused.output.isEmpty, "\(refused)")
    let sentence = "fleet: kitchen-pi has another host key than this laptop knows: \(new), recorded 20"
    #expect(refused.error.hasPrefix(sentence), "\(refused)")
    #expect(refused.error.contains("Z \(recorded), instead of \(old)\n"), "\(refused)")
    #expect(refused.error.contains("'fleet trust kitchen-pi --accept \(new)'"), "\(refused)")
    let plain = try fleetElsewhere("proxy", "kitchen-pi.fleet")
    #expect(plain.status == 1 && plain.error == refused.error && plain.output.isEmpty, "\(plain)")
    #expect(try fleetElsewhere("trust", "kitchen-pi", "--accept", old).status == 1)
    #expect(try fleetElsewhere("ssh", "kitchen-pi", "true").status == 1)
    #expect(try fleetElsewhere("trust", "kitchen-pi", "--accept", new).status == 0)
    let silent = try fleetElsewhere("ssh", "kitchen-pi", "echo works")
    #expect(silent.output == "works\n" && silent.error.isEmpty, "\(silent)")
  }
}
