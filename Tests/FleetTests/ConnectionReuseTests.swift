import FleetProtocol
import Testing

@testable import fleet

/// Which connections are used again, and by what their sockets are found.
@Suite struct ConnectionReuseTests {
  @Test(arguments: [
    [], ["-t"], ["-tt"], ["-Tn"], ["-q"], ["-e", "none"], ["-o", "BatchMode=yes", "-oConnectTimeout=5"],
    ["-o", "LogLevel=ERROR"], ["-oSendEnv LC_*"], ["-o", "RequestTTY = force"], ["-x", "-a"],
    ["-l", "bob"], ["-s"],
    // What scp, sftp and rsync's -e say.
    ["-x", "-oPermitLocalCommand=no", "-oClearAllForwardings=yes", "-oRemoteCommand=none", "-oForwardAgent=no"],
    [
      "-oForwardX11 no", "-oPermitLocalCommand no", "-oClearAllForwardings yes", "-obatchmode yes", "-oForwardAgent no",
    ],
  ])
  func optionsOfTheSession(_ options: [String]) throws {
    #expect(try SSHCommandLine(parsing: options + ["root@kitchen-pi", "-T", "id", "-A"]).concernsOnlySession)
  }

  @Test(arguments: [
    ["-v"], ["-L", "1:2:3"], ["-R", "1"], ["-D", "1080"], ["-A"], ["-X"], ["-Y"], ["-i", "key"],
    ["-C"], ["-c", "aes128-ctr"], ["-m", "hmac-sha2-256"], ["-N"], ["-f"], ["-F", "file"], ["-E", "log"],
    ["-g"], ["-w", "0"], ["-K"], ["-b", "127.0.0.1"], ["-I", "x"], ["-tA"], ["-o", "LogLevel=DEBUG"],
    ["-o", "LocalForward=1 2:3"], ["-oIdentityFile=x"], ["-o", "User=bob"], ["-o", "ControlPath=/x"],
    ["-o", "ServerAliveInterval=1"], ["-o", "BatchMode"], ["-o", ""],
    ["-o", "ForwardAgent=yes"], ["-o", "PermitLocalCommand=yes"], ["-o", "ForwardX11=yes"],
  ])
  func optionsOfTheConnection(_ options: [String]) throws {
    #expect(try !SSHCommandLine(parsing: options + ["kitchen-pi"]).concernsOnlySession)
    #expect(try !SSHCommandLine(parsing: ["kitchen-pi"] + options + ["id"]).concernsOnlySession)
  }

  /// By what ssh itself prints for a person's configuration.
  @Test(
    arguments: [
      ("", true), ("ServerAliveInterval 30\nSendEnv LC_*\nRequestTTY force\nIdentityFile ~/.ssh/x", true),
      ("ControlMaster auto\nControlPath /tmp/%C", true), ("LocalForward 8080 localhost:80", false),
      ("RemoteForward 8080 localhost:80", false), ("DynamicForward 1080", false), ("ForwardAgent yes", false),
      ("ForwardAgent $SSH_AUTH_SOCK", false), ("ForwardX11 yes", false), ("Tunnel yes", false),
      ("PermitLocalCommand yes\nLocalCommand id", false), ("SessionType none", false),
      ("ForkAfterAuthentication yes", false),
    ])
  func whatAPersonsConfigurationForwardsDoesNotStay(_ settings: String, mayStay: Bool) throws {
    let folder = try FileStore.makeTemporaryFolder()
    defer { FileStore.remove(files: ["config"], in: folder) }
    try FileStore.replace("\(folder)/config", with: "Host kitchen-pi\n\(settings)\n".utf8)
    let outcome = try Subprocess.run(
      ["ssh", "-F", "\(folder)/config"] + DeviceSSHArguments.settings(Sample.kitchen, user: "pi").dropFirst())
    #expect(SessionOptions.mayStay(effectiveSettings: outcome.text) == mayStay, "\(outcome.text)")
  }

  @Test func nothingStaysWhenSSHDoesNotTell() { #expect(!SessionOptions.mayStay(effectiveSettings: "")) }

  @Test func whatMayNotShareAConnectionNeverHasTheSameSocket() throws {
    let paths = FleetPaths(home: "/home/anna", xdgConfigHome: nil, xdgStateHome: nil)
    func host(_ change: (inout ConfiguredHost) -> Void = { _ in }) -> ConfiguredHost {
      var host = Sample.host
      change(&host)
      return host
    }
    func name(
      _ host: ConfiguredHost, _ paths: FleetPaths = paths, address: String = "7f000001", agent: String? = nil
    ) -> String { ControlSocketName.host(host, paths: paths, localAddress: address, agent: agent) }
    let names = [
      name(host()), name(host { $0.name = "b" }), name(host { $0.account = Sample.pi }),
      name(host { $0.address = "b" }), name(host { $0.port = TCPPort(23)! }), name(host { $0.identity = "/k" }),
      name(host { $0.hostKeys = [] }), name(host(), address: "7f000002"), name(host(), agent: "/a"),
      name(host(), FleetPaths(home: "/home/anna", xdgConfigHome: "/c", xdgStateHome: nil)),
      name(host(), FleetPaths(home: "/home/anna", xdgConfigHome: nil, xdgStateHome: "/s")),
      name(host(), FleetPaths(home: "/home/bob", xdgConfigHome: nil, xdgStateHome: nil)),
    ]
    #expect(Set(names).count == names.count && names.allSatisfy { $0.utf8.count == 15 && $0.hasPrefix("h") })
    #expect(name(host()) == names[0])

    func device(_ name: String, _ host: ConfiguredHost) throws -> String {
      ControlSocketName.device(
        try DeviceName(validating: name), host: host, paths: paths, localAddress: "", agent: nil)
    }
    let kitchen = try device("kitchen-pi", host())
    let stems = [kitchen, try device("attic-pi", host()), try device("kitchen-pi", host { $0.name = "b" })]
    let accounts = stems.flatMap { stem in
      [nil, "root", "pi", "000000"].map { ControlSocketName.account($0, of: stem) }
    }
    #expect(Set(accounts).count == 12 && accounts.allSatisfy { $0.utf8.count == 21 })
    #expect(accounts.prefix(4).allSatisfy { $0.hasPrefix(kitchen) })
  }

  @Test func aPathThatIsTooLongForASocketIsNotTaken() {
    func folders(_ runtime: String?, _ state: String = "/home/anna/.local/state/fleet") -> [String] {
      ControlSocketName.folders(runtimeFolder: runtime, stateFolder: state)
    }
    #expect(folders("/run/user/1000") == ["/run/user/1000/fleet", "/home/anna/.local/state/fleet/run"])
    #expect(folders(nil) == ["/home/anna/.local/state/fleet/run"])
    #expect(folders("run") == ["/home/anna/.local/state/fleet/run"], "a relative path counts as not set")
    let long = "/" + String(repeating: "x", count: 60)
    #expect(folders(long) == ["/home/anna/.local/state/fleet/run"] && folders(long, long).isEmpty)
  }

  @Test func onlyWhatChangesNothingIsAskedAgain() throws {
    let name = Sample.kitchen
    for request in [.list, .connect(name), .show(name), .version, .log] as [OperatorRequest] {
      #expect(request.mayBeAskedAgain)
    }
    for request in [.remove(name), .provision(name), .createEnrollKey, .rekey(name), .queueAdd] as [OperatorRequest] {
      #expect(!request.mayBeAskedAgain)
    }
  }

  @Test func theOwnAddressIsAsked() {
    #expect(LocalAddress.towards("127.0.0.1") == "7f000001")
    #expect(LocalAddress.towards("a.name.example") == LocalAddress.towards("another.example"), "no server is asked")
  }

  /// What OpenSSH says when it can make no socket, by the words of its versions 8 to 10.
  @Test(arguments: [
    "ControlSocket /x/y already exists, disabling multiplexing",
    "muxserver_listen bind(): No space left on device",
    "unix_listener: path \"/x\" too long for Unix domain socket",
  ])
  func noSharing(_ text: String) { #expect(SSHFailure.meansNoSharing(text)) }

  @Test(arguments: ["", "Permission denied (publickey).", "Warning: the cipher may be broken"])
  func sharing(_ text: String) { #expect(!SSHFailure.meansNoSharing(text)) }
}
