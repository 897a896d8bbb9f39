import Foundation
import Testing

/// `fleet-server doctor` where the machine's own sshd lets devices in: its configuration is the administrator's.
@Suite(.serialized, .enabled(if: getuid() == 0, "an sshd of root's, and accounts of the lab's own, need root"))
struct HostDoctorSystemTests {
  @Test func theDropInLeavesNothingSerious() throws {
    try Lab.with { lab in
      let sshd = try lab.startSystemSSHD()
      try lab.write("# my own keys\n\(try lab.foreignKey("mine")) mine\n", to: ".ssh/authorized_keys", of: lab.hostA)
      try lab.initHostA(["--sshd", "system"])
      try lab.leaseOnHostA(1)
      try lab.start(lab.hostA, ["fleet-server", "run"])
      try eventually("run is there") { try lab.hostDoctor().fine.contains("run") }

      // As Debian ships it.
      let stock = ["allowstreamlocalforwarding": "serious", "maxsessions": "note", "clientalive": "warning"]
      let before = try lab.hostDoctor()
      #expect(before.says(stock), "\(before.outcome)")
      try lab.includeInSystemSSHD(try lab.succeed(lab.hostA, ["fleet-server", "print-sshd-config"]), sshd)
      let after = try lab.hostDoctor()
      #expect(after.says([:]), "\(after.outcome)")

      try settings(lab)
      try keyFile(lab)

      // An administrator who lets nobody read the configuration: no guess.
      let configuration = lab.folder.appending(path: "etc-ssh/sshd_config").path
      chmod(configuration, 0o600)
      let unread = try lab.hostDoctor()
      #expect(unread.says(["sshd-policy": "warning"]), "\(unread.outcome)")
      #expect(unread.outcome.output.contains("not known: sshd says: "))
      chmod(configuration, 0o644)

      sshd.stop()
      let gone = try lab.hostDoctor()
      #expect(gone.says(["sshd-listener": "serious"]), "\(gone.outcome)")
    }
  }

  /// Settings about the account in a file that sshd reads before ours, whose lines win.
  private func settings(_ lab: Lab) throws {
    let file = lab.folder.appending(path: "etc-ssh/sshd_config.d/00-another.conf")
    for (line, findings) in [
      ("AllowStreamLocalForwarding yes", ["allowstreamlocalforwarding": "serious"]),
      ("GatewayPorts yes", ["gatewayports": "serious"]), ("AllowTcpForwarding no", ["allowtcpforwarding": "serious"]),
      ("PermitListen none", ["permitlisten": "serious"]), ("PermitOpen none", ["permitopen": "serious"]),
      ("ForceCommand internal-sftp", ["forcecommand": "serious"]),
      ("PubkeyAuthentication no", ["authentication": "serious"]),
      ("AuthorizedKeysFile /etc/ssh/keys/%u", ["authorizedkeysfile": "serious"]),
      ("UnusedConnectionTimeout 60", ["unusedconnectiontimeout": "serious"]),
      ("ClientAliveInterval 0", ["clientalive": "warning"]), ("MaxSessions 1", ["maxsessions": "warning"]),
      // Whoever else it is about, it is not about this account.
      ("Match User somebody\n  GatewayPorts yes", [:]),
    ] {
      try Data("Match User \(lab.hostA.name)\n  \(line)\n".utf8).write(to: file)
      let answer = try lab.hostDoctor()
      #expect(answer.says(findings), "\(line)\n\(answer.outcome)")
    }
    try FileManager.default.removeItem(at: file)
    #expect(try lab.hostDoctor().says([:]))
  }

  /// Lines within our block and around it, and what StrictModes looks at.
  private func keyFile(_ lab: Lab) throws {
    let file = lab.hostA.home.appending(path: ".ssh/authorized_keys")
    let eve = try lab.foreignKey("eve")
    let device = try lab.succeed(lab.hostA, ["cat", "device-0.pub"])
    let begin = "# BEGIN fleet-server\n"
    let changes: [([String: String], (String) -> String)] = [
      (["key-lines-stray": "serious"], { $0.replacing(begin, with: begin + eve + "\n") }),
      (["key-lines-stray": "serious"], { device + $0 }),
      (["key-lines-malformed": "warning"], { $0.replacing(begin, with: begin + "half a line\n") }),
      (["key-lines-malformed": "note"], { "half a line\n" + $0 }),
      (["key-lines-open": "serious"], { "permitlisten=\"127.0.0.1:9\" \(eve)\n" + $0 }),
      (
        ["key-lines-differ": "serious", "key-lines-stray": "serious"],
        { $0.replacing("# END fleet-server\n", with: "").replacing(begin, with: begin + "# END fleet-server\n") }
      ),
      (["key-file": "serious"], { $0.replacing(begin, with: "") }),
      // The account's own keys are its own affair.
      ([:], { "\(eve) another of mine\n" + $0 }),
    ]
    for (findings, change) in changes {
      try lab.hostDoctor(of: file, saying: change) { answer in
        #expect(answer.says(findings), "\(answer.outcome)")
      }
    }
    for path in [file.path, lab.hostA.home.appending(path: ".ssh").path] {
      try lab.succeed(lab.hostA, ["chmod", "g+w", path])
      let answer = try lab.hostDoctor()
      #expect(answer.says(["permissions": "serious"]), "\(answer.outcome)")
      try lab.succeed(lab.hostA, ["sh", "-c", try #require(answer.mends["permissions"])])
      #expect(try lab.hostDoctor().says([:]))
    }
  }
}

/// The same with an OpenSSH that punishes whole addresses.
@Suite(.serialized, .enabled(if: NewerSSHD.obstacle == nil, "\(NewerSSHD.obstacle ?? "")"))
struct HostDoctorNewerSSHDTests {
  @Test func penaltiesAreSeenAndMended() throws {
    try Lab.with { lab in
      lab.hostA.openSSH = NewerSSHD.folder
      let sshd = try lab.startSystemSSHD()
      try lab.initHostA(["--sshd", "system"])
      try lab.start(lab.hostA, ["fleet-server", "run"])
      try eventually("run is there") { try lab.hostDoctor().fine.contains("run") }
      let dropIn = try lab.succeed(lab.hostA, ["fleet-server", "print-sshd-config"])
      try lab.includeInSystemSSHD(dropIn, sshd)
      let punishing = try lab.hostDoctor()
      #expect(punishing.says(["persourcepenalties": "warning"]), "\(punishing.outcome)")
      let mend = try #require(punishing.mends["persourcepenalties"])
      try Data("\(mend)\n\(dropIn)".utf8)
        .write(to: lab.folder.appending(path: "etc-ssh/sshd_config.d/fleet-server.conf"))
      #expect(try lab.hostDoctor().says([:]))
    }
  }

  @Test func thePrivateOnePunishesNobody() throws {
    try Lab.with { lab in
      lab.hostA.openSSH = NewerSSHD.folder
      try lab.initHostA()
      #expect(try lab.hostDoctor().severities["persourcepenalties"] == "warning")
      try lab.runHostA()
      #expect(try lab.hostDoctor().says([:]))
    }
  }
}
