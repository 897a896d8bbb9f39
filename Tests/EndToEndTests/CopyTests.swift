import Foundation
import Testing

/// Files between laptop and devices, by the real scp, sftp and rsync.
@Suite(.serialized) struct CopyTests {
  /// A name that any unquoted step on the way would break.
  static let name = "it's a $(file) ü 100%.bin"

  @Test func filesGoBothWaysByEveryTool() throws {
    try Lab.with { lab in
      let (_, agent, _) = try lab.startKitchenPi()
      try lab.write(
        // What a person may have written about hosts of these names.
        """
        Host kitchen-pi
          Port 1
          RequestTTY force
          RemoteCommand ls
          PermitLocalCommand yes
          LocalCommand touch ~/local-command
          LocalForward 127.0.0.1:\(lab.ports.box(8)) 127.0.0.1:1
          ControlMaster auto
          ControlPath ~/.ssh/of-the-person
          StrictHostKeyChecking no
          UserKnownHostsFile /dev/null

        """, to: ".ssh/own", of: lab.laptop)
      try lab.succeed(lab.laptop, ["sh", "-c", "cat ~/.ssh/own >>~/.ssh/config"])
      try lab.makeFolder()

      // scp: a name with everything, a local name with a colon, folders, and back.
      try lab.fleetSucceeds("cp", "-q", "in/\(Self.name)", "./in/a:b", "kitchen-pi:")
      try lab.expectSame("in/\(Self.name)", onBox: Self.name)
      try lab.expectSame("in/a:b", onBox: "a:b")
      try lab.fleetSucceeds("cp", "-rp", "in", "\(lab.box.name)@kitchen-pi:by scp")
      try lab.fleetSucceeds("cp", "-r", "kitchen-pi:by scp", "back")
      try lab.expectSameFolders("in", "back")
      try lab.fleetSucceeds("cp", "-O", "in/a:b", "kitchen-pi:old-protocol")
      try lab.expectSame("in/a:b", onBox: "old-protocol")
      // A local file that is named like a device.
      try lab.succeed(lab.laptop, ["sh", "-c", "echo local >kitchen-pi && echo other >kitchen-pi:x"])
      try lab.fleetSucceeds("cp", "kitchen-pi", "./kitchen-pi:x", "kitchen-pi:")
      #expect(try lab.succeed(lab.box, ["cat", "kitchen-pi", "kitchen-pi:x"]) == "local\nother\n")

      // rsync, whose second run has nothing to do.
      try lab.fleetSucceeds("rsync", "-a", "in/", "kitchen-pi:by rsync")
      try lab.fleetSucceeds("rsync", "-a", "-e", "ssh -o LogLevel=ERROR", "kitchen-pi:by rsync/", "back-by-rsync")
      try lab.expectSameFolders("in", "back-by-rsync")
      #expect(try lab.fleetSucceeds("rsync", "-ai", "in/", "kitchen-pi:by rsync") == "")

      // sftp, by a batch.
      try lab.fleetSucceeds(
        "sftp", "-q", "-b", "-", "kitchen-pi:by scp", input: "put in/a:b from-sftp\nget a:b back-by-sftp\n")
      try lab.expectSame("in/a:b", onBox: "by scp/from-sftp")
      try lab.expectSameFolders("in/a:b", "back-by-sftp")
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: "local-command").path))
      #expect(!FileManager.default.fileExists(atPath: lab.laptop.home.appending(path: ".ssh/of-the-person").path))

      // The tools' own statuses, and refusals before anything was done.
      #expect(try lab.fleet("cp", "kitchen-pi:not-there", ".").status == 1)
      #expect(try lab.fleet("rsync", "kitchen-pi:not-there", ".").status == 23)
      #expect(try lab.fleet("sftp", "-b", "-", "kitchen-pi", input: "get not-there\n").status == 1)
      for command in ["cp", "rsync"] {
        let unknown = try lab.fleet(command, "in/a:b", "kitchen-pie:x")
        #expect(unknown.status == 3 && unknown.error.contains("did you mean kitchen-pi?"), "\(unknown)")
        #expect(unknown.error.hasPrefix("fleet: ") && unknown.error.split(separator: "\n").count == 2, "\(unknown)")
        #expect(try lab.fleet(command, "-z", "a", "b").status == 2)
      }
      #expect(try lab.fleet("sftp", "kitchen-pie").status == 3)
      let bin = Programs.folder.path
      let missing = try lab.run(
        lab.laptop, ["sh", "-c", "exec env PATH=\"$1\" \"$1/fleet\" rsync in/ kitchen-pi:x", "sh", bin])
      #expect(missing.status == 1 && missing.error.contains("'rsync' is not installed"), "\(missing)")

      agent.stop()
      try eventually("kitchen-pi is offline", within: 10) { try lab.state("kitchen-pi") == "offline" }
      for words in [["cp", "in/a:b", "kitchen-pi:"], ["rsync", "in/a:b", "kitchen-pi:"], ["sftp", "kitchen-pi"]] {
        let offline = try lab.run(lab.laptop, ["fleet"] + words)
        #expect(offline.status == 4 && offline.error.contains("offline since 20"), "\(offline)")
        #expect(offline.error.split(separator: "\n").count <= 2, "\(offline)")
      }
    }
  }

  @Test func fromDeviceToDeviceAndAWrongHostKey() throws {
    try Lab.with { lab in
      try lab.startHostA()
      try lab.login()
      var sshds: [Running] = []
      for (n, name) in ["kitchen-pi", "attic-pi"].enumerated() {
        sshds.append(try lab.startBoxSSHD(n))
        try lab.startAgent(name, configuration: try lab.provisionBundle(name, box: n))
      }
      try lab.makeFolder()
      try lab.fleetSucceeds("cp", "-r", "in", "kitchen-pi:first")
      // What comes within a minute needs no login of its own.
      let logins = { sshds[0].error.components(separatedBy: "Accepted publickey").count - 1 }
      let before = logins()
      try lab.fleetSucceeds("rsync", "-a", "in/", "kitchen-pi:first")
      try lab.fleetSucceeds("sftp", "-q", "-b", "-", "kitchen-pi", input: "ls first\n")
      #expect(before >= 1 && logins() == before)
      try lab.fleetSucceeds("cp", "-r", "kitchen-pi:first", "attic-pi:second")
      // Several sources on one device and on another, each over a connection of its own.
      try lab.succeed(lab.laptop, ["mkdir", "several"])
      try lab.fleetSucceeds(
        "cp", "kitchen-pi:first/a:b", "attic-pi:second/\(Self.name)", "kitchen-pi:first/deep/empty", "several")
      try lab.expectSame("in/a:b", onBox: "second/a:b")
      #expect(
        try lab.succeed(lab.laptop, ["sh", "-c", "ls several | wc -l"]).trimmingCharacters(in: .whitespacesAndNewlines)
          == "3")
      try lab.expectSameFolders("in/\(Self.name)", "several/\(Self.name)")
      #expect(try lab.fleet("rsync", "kitchen-pi:first/", "attic-pi:third").status == 2)

      // One of two is unknown: nothing is copied.
      let half = try lab.fleet("cp", "kitchen-pi:first/a:b", "nobody:x", "in")
      #expect(half.status == 3, "\(half)")

      // Another machine answers in the device's place.
      sshds[0].stop()
      try lab.succeed(lab.box, ["sh", "-c", "rm ~/sshd-0/host_key ~/sshd-0/host_key.pub"])
      try lab.startBoxSSHD(0)
      let attempts: [[String]] = [
        ["cp", "-oStrictHostKeyChecking=no", "in/a:b", "kitchen-pi:reached"],
        ["rsync", "-e", "ssh -oStrictHostKeyChecking=no", "in/a:b", "kitchen-pi:reached"],
        ["sftp", "-oUserKnownHostsFile=/dev/null", "-oStrictHostKeyChecking=no", "kitchen-pi"],
      ]
      for words in attempts {
        let refused = try lab.run(lab.laptop, ["fleet"] + words, input: "yes\nput in/a:b reached\n")
        #expect(refused.status != 0 && refused.error.contains("Host key verification failed"), "\(refused)")
        #expect(!refused.error.contains("(yes/no"))
      }
      let forward = try lab.fleet("forward", "kitchen-pi", "\(lab.ports.box(8)):1")
      #expect(forward.status == 1 && forward.error.contains("a host key that nobody has recorded"), "\(forward)")
      #expect(!FileManager.default.fileExists(atPath: lab.box.home.appending(path: "reached").path))
    }
  }
}

extension Lab {
  /// `in`: a folder whose files say whether all of them came through.
  fileprivate func makeFolder() throws {
    try succeed(
      laptop,
      [
        "sh", "-c",
        """
        mkdir -p "in/deep/é è" && head -c 3000000 /dev/urandom >"in/$1" && printf 'a\\0b\\n' >in/a:b &&
          : >in/deep/empty && echo x >"in/deep/é è/*" && chmod 750 "in/deep/é è/*"
        """, "sh", CopyTests.name,
      ])
  }

  fileprivate func expectSame(_ file: String, onBox copy: String) throws {
    let original = try Data(contentsOf: laptop.home.appending(path: file))
    #expect(try original == Data(contentsOf: box.home.appending(path: copy)), "\(copy)")
  }

  fileprivate func expectSameFolders(_ one: String, _ other: String) throws {
    #expect(try succeed(laptop, ["diff", "-r", one, other]) == "")
  }
}
