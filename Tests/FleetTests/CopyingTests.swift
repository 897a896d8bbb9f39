import FleetProtocol
import Testing

@testable import fleet

/// What becomes of the command lines of `fleet cp`, `sftp` and `rsync`.
@Suite struct CopyingTests {
  private let attic = try! DeviceName(validating: "attic-pi")

  // MARK: Names of files

  @Test(
    arguments: [
      ("kitchen-pi:", nil, ""), ("kitchen-pi:a b", nil, "a b"), ("kitchen-pi:/a:b", nil, "/a:b"),
      ("bob@kitchen-pi:~/é", "bob", "~/é"), ("a@b@kitchen-pi:x@y:z", "a@b", "x@y:z"),
      ("kitchen-pi::module", nil, ":module"),
    ] as [(String, String?, String)])
  func onADevice(word: String, user: String?, path: String) throws {
    let remote = try #require(try RemotePath(parsing: word, usage: ""))
    #expect(remote.login.device == Sample.kitchen && remote.login.user == user && remote.path == path)
  }

  @Test(arguments: ["", "kitchen-pi", "./a:b", "/tmp/kitchen-pi:x", ":x", "a/b:c", "../kitchen-pi:x", "[a:b].txt", "-"])
  func onThisLaptop(_ word: String) throws { #expect(try RemotePath(parsing: word, usage: "") == nil) }

  @Test(arguments: [
    "C:x", "kitchen pi:x", "-oProxyCommand=x:y", "@kitchen-pi:x", "-x@kitchen-pi:y", "[::1]:x", "a@[::1]:x",
    "scp://kitchen-pi/x", "rsync://kitchen-pi/x", "a\u{202E}:x",
  ])
  func noDevice(_ word: String) {
    let refusal = #expect(throws: Refusal.self) { try RemotePath(parsing: word, usage: "") }
    #expect(refusal?.code == .nameInvalid && refusal?.message.unicodeScalars.contains("\u{202E}") == false)
  }

  // MARK: scp

  @Test func scpIsToldWhoIsItsSSHAndNothingElseChanges() throws {
    let line = try CopyCommandLine(parsing: [
      "-rpq", "-l", "800", "-oBatchMode=yes", "a b", "./c:d", "bob@kitchen-pi:x y",
    ])
    #expect(line.logins.map(\.device) == [Sample.kitchen])
    #expect(
      line.scp(program: "/opt/fl eet") == [
        "scp", "-S", "/opt/fl eet", "-3", "-r", "-p", "-q", "-l", "800", "-o", "BatchMode=yes", "--",
        "a b", "./c:d", "bob@kitchen-pi:x y",
      ])
  }

  @Test func everyDeviceIsNamedOnce() throws {
    let line = try CopyCommandLine(parsing: ["kitchen-pi:a", "attic-pi:b", "--", "bob@kitchen-pi:c", "kitchen-pi"])
    #expect(line.logins.map(\.device) == [Sample.kitchen, attic, Sample.kitchen])
    #expect(line.files == ["kitchen-pi:a", "attic-pi:b", "--", "bob@kitchen-pi:c", "kitchen-pi"])
    #expect(try CopyCommandLine(parsing: ["--", "-x", "kitchen-pi:"]).files == ["-x", "kitchen-pi:"])
  }

  @Test(
    arguments: [
      [], ["a"], ["a", "b"], ["kitchen-pi:a"], ["-z", "a", "kitchen-pi:"], ["-J", "x", "a", "kitchen-pi:"],
      ["-P", "22", "a", "kitchen-pi:"], ["-rP22", "a", "kitchen-pi:"], ["-S", "x", "a", "kitchen-pi:"],
      ["-D", "x", "a", "kitchen-pi:"], ["-R", "a", "kitchen-pi:"], ["-t", "kitchen-pi:x", "y"], ["--help", "x", "y:"],
      ["-o", "ProxyJump=x", "a", "kitchen-pi:"], ["-oport=2", "a", "kitchen-pi:"], ["-i"],
    ] as [[String]])
  func whatScpIsNotAskedFor(_ words: [String]) {
    let refusal = #expect(throws: Refusal.self) { try CopyCommandLine(parsing: words) }
    #expect(refusal?.code == .usage, "\(String(describing: refusal))")
  }

  // MARK: sftp

  @Test func sftp() throws {
    let line = try SFTPCommandLine(parsing: ["-b", "-", "-C", "bob@kitchen-pi:data", "here"])
    #expect(line.login.device == Sample.kitchen && line.login.user == "bob")
    #expect(
      line.sftp(program: "/f") == [
        "sftp", "-S", "/f", "-oRemoteCommand=none", "-oRequestTTY=no", "-b", "-", "-C", "--", "bob@kitchen-pi:data",
        "here",
      ])
    #expect(try SFTPCommandLine(parsing: ["kitchen-pi"]).login.device == Sample.kitchen)
    for words in [[], ["-D", "x", "kitchen-pi"], ["-P", "1", "kitchen-pi"], ["-oProxyCommand=x", "kitchen-pi"]] {
      #expect(throws: Refusal.self) { try SFTPCommandLine(parsing: words) }
    }
    let uri = #expect(throws: Refusal.self) { try SFTPCommandLine(parsing: ["sftp://kitchen-pi/x"]) }
    #expect(uri?.message == "a device is called by its name, not by sftp://")
  }

  // MARK: rsync

  @Test(
    arguments: [
      (["-av", "a/", "kitchen-pi:b"], ["-av", "a/", "kitchen-pi:b"], nil),
      (["kitchen-pi:a", "b", "--delete"], ["kitchen-pi:a", "b", "--delete"], nil),
      (
        ["--exclude", "x:y", "--chown=a:b", "-f", "- *:z", "-T", "t:t", "a", "kitchen-pi:"],
        ["--exclude", "x:y", "--chown=a:b", "-f", "- *:z", "-T", "t:t", "a", "kitchen-pi:"], nil
      ),
      (["-e", "ssh -i k", "a", "kitchen-pi:"], ["a", "kitchen-pi:"], "-i k"),
      (["-avze", "ssh", "a", "kitchen-pi:"], ["-avz", "a", "kitchen-pi:"], nil),
      (["-essh  -v", "a", "kitchen-pi:"], ["a", "kitchen-pi:"], "-v"),
      (["--rsh=ssh -4", "a", "kitchen-pi:"], ["a", "kitchen-pi:"], "-4"),
      (["--rsh", "ssh", "a", "kitchen-pi:"], ["a", "kitchen-pi:"], nil),
      (["-a", "--", "-e", "kitchen-pi:x", "."], ["-a", "--", "-e", "kitchen-pi:x", "."], nil),
      (["-", "kitchen-pi::module/x"], ["-", "kitchen-pi::module/x"], nil),
    ] as [([String], [String], String?)])
  func rsync(words: [String], arguments: [String], options: String?) throws {
    let line = try RsyncCommandLine(parsing: words)
    #expect(line.arguments == arguments && line.sshOptions == options && line.login.device == Sample.kitchen)
  }

  @Test func rsyncFindsTheProgramWhateverItsPath() throws {
    let plain = try RsyncCommandLine(parsing: ["x", "kitchen-pi:"]).rsync(program: "/opt/bin/fleet")
    #expect(plain[2].hasPrefix("/opt/bin/fleet ssh -T "))
    let line = try RsyncCommandLine(parsing: ["-a", "-e", "ssh -i 'a b'", "x", "kitchen-pi:"])
    #expect(
      line.rsync(program: "/it's/fl eet") == [
        "rsync", "-e",
        "'/it''s/fl eet' ssh -T -oPermitLocalCommand=no -oClearAllForwardings=yes -oRemoteCommand=none -oRequestTTY=no "
          + "-i 'a b'", "-a", "x", "kitchen-pi:",
      ])
  }

  @Test(
    arguments: [
      [], ["a", "b"], ["kitchen-pi:a", "attic-pi:b"], ["-e", "rsh", "a", "kitchen-pi:"], ["-e"],
      ["a", "kitchen-pi:", "-f"],
      ["-e", "sshx", "a", "kitchen-pi:"], ["--rsh=", "a", "kitchen-pi:"], ["--exclude"],
    ] as [[String]])
  func whatRsyncIsNotAskedFor(_ words: [String]) {
    let refusal = #expect(throws: Refusal.self) { try RsyncCommandLine(parsing: words) }
    #expect(refusal?.code == .usage, "\(String(describing: refusal))")
  }

  // MARK: What is handed on

  @Test func connectionsTravelAsText() {
    let handed = HandedConnections([
      .init(device: Sample.kitchen, user: Sample.pi, isDetached: true, socket: "/tmp/a b/s"),
      .init(device: attic, user: Sample.pi, isDetached: false, socket: "/tmp/c/s"),
    ])
    #expect(HandedConnections(parsing: handed.text) == handed)
    #expect(handed.connection(to: attic)?.socket == "/tmp/c/s")
    #expect(HandedConnections(parsing: "x\n../y pi /s\nkitchen-pi -x detached /s\nkitchen-pi pi /s\n").waiting.isEmpty)
  }
}
