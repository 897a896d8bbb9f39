import Foundation
import Testing

/// `fleet-server doctor` on a HostA with a private sshd: each finding is made true and is seen, alone; afterwards it is gone.
@Suite(.serialized) struct HostDoctorTests {
  /// A line of sshd's configuration, and what doctor says of it.
  private static let settings: [(line: String, findings: [String: String])] = [
    ("AllowStreamLocalForwarding yes", ["allowstreamlocalforwarding": "serious"]),
    ("AllowStreamLocalForwarding local", ["allowstreamlocalforwarding": "serious"]),
    ("StreamLocalBindUnlink yes", ["streamlocalbindunlink": "warning"]),
    (
      "AllowStreamLocalForwarding remote\nStreamLocalBindUnlink yes",
      ["allowstreamlocalforwarding": "serious", "streamlocalbindunlink": "serious"]
    ),
    ("GatewayPorts yes", ["gatewayports": "serious"]), ("GatewayPorts clientspecified", ["gatewayports": "warning"]),
    ("AllowTcpForwarding no", ["allowtcpforwarding": "serious"]),
    ("AllowTcpForwarding remote", ["allowtcpforwarding": "serious"]),
    ("DisableForwarding yes", ["disableforwarding": "serious"]), ("PermitListen none", ["permitlisten": "serious"]),
    ("PermitOpen 127.0.0.1:22", ["permitopen": "serious"]), ("ForceCommand /bin/true", ["forcecommand": "serious"]),
    ("PasswordAuthentication yes\nAuthenticationMethods publickey,password", ["authentication": "serious"]),
    ("AuthorizedKeysFile /nowhere", ["authorizedkeysfile": "serious"]),
    ("MaxStartups 1:30:2", ["maxstartups": "warning"]), ("MaxSessions 0", ["maxsessions": "serious"]),
    ("MaxSessions 10", ["maxsessions": "note"]), ("ClientAliveInterval 0", ["clientalive": "warning"]),
    ("ClientAliveInterval 700", ["clientalive": "warning"]),
    ("UnusedConnectionTimeout 300", ["unusedconnectiontimeout": "serious"]),
    ("ChannelTimeout *=300", ["channeltimeout": "warning"]),
    // Where sshd refuses its file it says nothing of it.
    ("Nonsense yes", ["sshd-policy": "serious"]),
  ]

  /// The configuration with these lines in the place of all that are about the same.
  private static func set(_ lines: String, in configuration: String) -> String {
    func keyword(_ line: Substring) -> Substring { line.prefix { $0 != " " } }
    let keywords = Set(lines.split(separator: "\n").map(keyword))
    let kept = configuration.split(separator: "\n").filter { !keywords.contains(keyword($0)) }
    return lines + "\n" + kept.joined(separator: "\n") + "\n"
  }

  @Test func eachFindingOfSSHDAndTheKeyFile() throws {
    try Lab.with { lab in
      try lab.initHostA()
      try lab.leaseOnHostA(2)
      let before = try lab.hostDoctor()
      #expect(before.says(["run": "warning", "sshd-listener": "serious"]), "\(before.outcome)")

      let server = try lab.runHostA()
      let well = try lab.hostDoctor()
      #expect(well.says([:]) && well.fine.count > 30, "\(well.outcome)")
      let text = try lab.succeed(lab.hostA, ["fleet-server", "doctor"])
      #expect(text.contains("✓ gatewayports") && text.contains("\n0 serious, "), "\(text)")

      let configuration = lab.serverHome.appending(path: "sshd_config")
      for (line, findings) in Self.settings {
        try lab.hostDoctor(of: configuration, saying: { Self.set(line, in: $0) }) { answer in
          // It also says that this is not the file that fleet-server writes, unless it got no further.
          let all = findings["sshd-policy"] == nil ? findings.merging(["sshd-config": "warning"]) { $1 } : findings
          #expect(answer.says(all), "\(line)\n\(answer.outcome)")
          guard let code = findings.keys.first, findings.count == 1, code != "sshd-policy" else { return }
          // The line that mends it does so in the place of the one that it is about.
          let mend = try #require(answer.mends[code])
          try lab.hostDoctor(of: configuration, saying: { Self.set(mend, in: Self.set(line, in: $0)) }) { mended in
            #expect(mended.severities[code] == nil, "\(line)\n\(mended.outcome)")
          }
        }
      }
      try keyLines(lab)
      #expect(try lab.hostDoctor().says([:]))
      server.stop()
    }
  }

  /// What stands in the key file, and the command with which doctor would mend it, which is run.
  private func keyLines(_ lab: Lab) throws {
    let file = lab.serverHome.appending(path: "authorized_keys")
    let good = try lab.succeed(lab.hostA, ["cat", file.path])
    let eve = try lab.foreignKey("eve")
    let port = lab.ports.leases.lowerBound
    let changes: [(String, [String: String], (String) -> String)] = [
      ("a stray line", ["key-lines-stray": "serious"], { $0 + "\(eve) eve\n" }),
      ("a malformed line", ["key-lines-malformed": "warning"], { $0 + "frobnicate \(eve)\n" }),
      (
        "a changed line", ["key-lines-differ": "serious"],
        { $0.replacing("permitopen=\"127.0.0.1:\(port)\"", with: "permitopen=\"127.0.0.1:22\"") }
      ),
      (
        "a missing line", ["key-lines-differ": "serious"],
        { $0.split(separator: "\n").dropLast().joined(separator: "\n") + "\n" }
      ),
      (
        "an open line", ["key-lines-open": "serious", "key-lines-differ": "serious"],
        { $0.replacing("permitopen=\"127.0.0.1:\(port)\",", with: "") }
      ),
      (
        "a program that is gone", ["key-lines-program": "serious"],
        { $0.replacing(Programs.path("fleet-server"), with: "/gone/fleet-server") }
      ),
      (
        "another program", ["key-lines-program": "warning"],
        { $0.replacing(Programs.path("fleet-server"), with: "/bin/true") }
      ),
    ]
    for (what, findings, change) in changes {
      try lab.overwrite(file, with: change(good))
      let answer = try lab.hostDoctor()
      #expect(answer.says(findings), "\(what)\n\(answer.outcome)")
      let mend = try #require(answer.mends[findings.keys.first ?? ""])
      try lab.succeed(lab.hostA, ["sh", "-c", mend])
      #expect(try lab.succeed(lab.hostA, ["cat", file.path]) == good, "\(what)")
    }
    try lab.succeed(lab.hostA, ["rm", file.path])
    let answer = try lab.hostDoctor()
    #expect(answer.says(["key-file": "serious"]), "\(answer.outcome)")
    try lab.succeed(lab.hostA, ["sh", "-c", try #require(answer.mends["key-file"])])
    #expect(try lab.hostDoctor().fine.contains("key-file"))
  }

  @Test func eachFindingOfTheFolderTheRegistryAndTheClock() throws {
    try Lab.with { lab in
      try lab.initHostA()
      try lab.leaseOnHostA(1)
      try lab.runHostA()
      #expect(try lab.hostDoctor().says([:]))
      let home = lab.serverHome.path

      for (path, findings) in [
        (home, ["permissions": "serious"]), (home + "/registry.db", ["permissions": "warning"]),
        (home + "/ssh_host_ed25519_key", ["permissions": "serious", "sshd-policy": "serious"]),
      ] {
        try lab.succeed(lab.hostA, ["chmod", "go+rx", path])
        let answer = try lab.hostDoctor()
        #expect(answer.says(findings), "\(path)\n\(answer.outcome)")
        try lab.succeed(lab.hostA, ["sh", "-c", try #require(answer.mends["permissions"])])
        #expect(try lab.hostDoctor().says([:]), "\(path)")
      }

      let settings = lab.serverHome.appending(path: "fleet-server.json")
      try lab.hostDoctor(of: settings, saying: { _ in "{}" }) { answer in
        #expect(answer.says(["settings": "serious"]), "\(answer.outcome)")
      }
      let leases = "\(lab.ports.leases.lowerBound)-\(lab.ports.leases.upperBound)"
      let kernel = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
        .split(separator: "\t")[0]
      try lab.hostDoctor(of: settings, saying: { $0.replacing(leases, with: "30000-\(kernel)") }) { answer in
        #expect(answer.says(["lease-range": "warning"]), "\(answer.outcome)")
      }

      // A registry that is no database. The other findings do not depend on it.
      try lab.succeed(
        lab.hostA,
        [
          "sh", "-c",
          "cd \"$1\" && mkdir aside && cp -p registry.db* aside && rm -f registry.db-* && echo x >registry.db", "sh",
          home,
        ])
      let damaged = try lab.hostDoctor()
      #expect(damaged.says(["registry": "serious", "key-lines-differ": "warning"]), "\(damaged.outcome)")
      #expect(damaged.mends["registry"] == "fleet-server restore FILE")
      try lab.succeed(
        lab.hostA, ["sh", "-c", "cd \"$1\" && rm -f registry.db* && mv aside/* . && rmdir aside", "sh", home])
      #expect(try lab.hostDoctor().says([:]))

      let clock = try lab.write("0", to: "clock", of: lab.hostA)
      let library = try lab.wallClock(of: lab.hostA, offset: clock)
      for (offset_s, findings) in [
        (0, [:]), (-7200, ["clock": "warning"]), (-20 * 31_536_000, ["clock": "serious"]),
        (50 * 31_536_000, ["clock": "serious"]),
      ] {
        try lab.setClock(offset_s, in: clock, of: lab.hostA)
        let answer = try lab.hostDoctor(wrapper: ["env", "LD_PRELOAD=\(library)"])
        #expect(answer.says(findings), "\(offset_s)\n\(answer.outcome)")
      }
    }
  }

  @Test func nothingIsThereYet() throws {
    try Lab.with { lab in
      let answer = try lab.hostDoctor()
      #expect(!answer.isOK && answer.outcome.status == 1 && answer.severities["settings"] == "serious")
      #expect(try lab.run(lab.hostA, ["fleet-server", "doctor", "--nonsense"]).status == 2)
    }
  }
}
