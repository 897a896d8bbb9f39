import FleetProtocol
import Testing

@testable import fleet

/// What ssh is told, as text and as ssh itself understands it.
@Suite struct SSHArgumentTests {
  @Test func theConnectionToHostATrustsOnlyItsPin() {
    let arguments = HostConnectionArguments.ssh(to: Sample.host, pins: "/s/known_hosts", request: "list")
    #expect(arguments.first == "ssh" && arguments.suffix(3) == ["--", "hosta.example", "list"])
    for option in [
      "StrictHostKeyChecking=yes", "UserKnownHostsFile=\"/s/known_hosts\"", "GlobalKnownHostsFile=/dev/null",
      "UpdateHostKeys=no", "ForwardAgent=no", "ClearAllForwardings=yes", "ControlPath=none",
      "HostKeyAlias=fleet-host-hosta.example",
    ] {
      #expect(arguments.contains(option), "\(option)")
    }
    #expect(!arguments.contains { $0.hasPrefix("IdentityFile") || $0.contains("IdentitiesOnly") })
  }

  /// `ssh -G` prints what it makes of a command line without connecting.
  @Test func sshReadsPathsAsTheyAre() throws {
    var host = Sample.host
    host.identity = "/tmp/a \"b\\c%d/id"
    let pins = "/tmp/st ate/100%/known_hosts"
    let arguments = HostConnectionArguments.ssh(to: host, pins: pins, request: "list")
    let outcome = try Subprocess.run(["ssh", "-G", "-F", "/dev/null"] + arguments.dropFirst())
    #expect(outcome.status == 0, "\(outcome.errorText)")
    let lines = outcome.text.split(separator: "\n").map(String.init)
    #expect(lines.contains("stricthostkeychecking true") || lines.contains("stricthostkeychecking yes"))
    #expect(lines.contains("userknownhostsfile \(pins)"))
    // This one is expanded when it is used: %% stands for one %.
    #expect(lines.contains("identityfile /tmp/a \"b\\c%%d/id"))
    #expect(lines.contains("port 2222") && lines.contains("user fleet"))
    #expect(!lines.contains { $0.hasPrefix("controlpath") && $0 != "controlpath none" })
  }

  @Test func whatAPersonGivesCannotOverrideTheWayAndThePin() throws {
    let line = try SSHCommandLine(parsing: [
      "-oStrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-v", "kitchen-pi", "-L", "1:2:3", "uptime",
    ])
    let arguments = DeviceSSHArguments.ssh(
      line, defaultUser: "pi", name: try FleetHostName(parsing: "kitchen-pi"), program: "/opt/100%/it's/fleet",
      over: .connection(handover: "/tmp/x/s", staying: nil))
    let outcome = try Subprocess.run(["ssh", "-G", "-F", "/dev/null"] + arguments.dropFirst())
    #expect(outcome.status == 0, "\(outcome.errorText)")
    let lines = outcome.text.split(separator: "\n").map(String.init)
    #expect(lines.contains("stricthostkeychecking true") || lines.contains("stricthostkeychecking yes"))
    #expect(lines.contains("userknownhostsfile /dev/null") && lines.contains("user pi"))
    #expect(lines.contains("knownhostscommand \"/opt/100%%/it's/fleet\" known-hosts kitchen-pi %I %t %K %H"))
    #expect(lines.contains("hostkeyalias kitchen-pi") && lines.contains("proxyusefdpass yes"))
    #expect(lines.contains("proxycommand '/opt/100%%/it'\\''s/fleet' proxy --adopt '/tmp/x/s'"))
    #expect(lines.contains { $0.hasPrefix("localforward") })
    #expect(!lines.contains { $0.hasPrefix("controlpath") && $0 != "controlpath none" })
    #expect(arguments.suffix(3) == ["--", "kitchen-pi", "uptime"])
  }

  @Test(arguments: [
    ["bob@kitchen-pi"], ["-l", "bob", "kitchen-pi"], ["-lbob", "kitchen-pi"], ["-o", "User=bob", "kitchen-pi"],
  ])
  func aNamedUserGoesBeforeTheDefault(_ words: [String]) throws {
    let arguments = DeviceSSHArguments.ssh(
      try SSHCommandLine(parsing: words), defaultUser: "pi", name: try FleetHostName(parsing: "kitchen-pi"),
      program: "/f", over: .master(socket: "/s", host: "a"))
    let text = try Subprocess.run(["ssh", "-G", "-F", "/dev/null"] + arguments.dropFirst()).text
    #expect(text.split(separator: "\n").contains("user bob"))
  }

  /// Whatever a person's own configuration says of control sockets, ours are used; and the other way round.
  @Test func aSharedConnectionHasOurOwnSocket() throws {
    let configuration = try FileStore.makeTemporaryFolder() + "/config"
    defer { FileStore.remove(files: ["config"], in: String(configuration.dropLast("/config".count))) }
    try FileStore.replace(
      configuration, with: "Host *\nControlMaster auto\nControlPath ~/own-%C\nControlPersist 1h\n".utf8)
    func settings(_ arguments: [String]) throws -> [String] {
      let outcome = try Subprocess.run(["ssh", "-G", "-F", configuration] + arguments.dropFirst())
      #expect(outcome.status == 0, "\(outcome.errorText)")
      return outcome.text.split(separator: "\n").map(String.init)
    }
    let own = "/run/u s/100%/h.1"
    let path = "controlpath /run/u s/100%/h.1"
    let line = try SSHCommandLine(parsing: ["kitchen-pi"])
    func device(_ way: DeviceSSHArguments.Way) throws -> [String] {
      try settings(
        DeviceSSHArguments.ssh(
          line, defaultUser: "pi", name: try FleetHostName(parsing: "kitchen-pi"), program: "/f", over: way))
    }
    for made in [
      try settings(HostConnectionArguments.master(to: Sample.host, pins: "/p", socket: own)),
      try device(.connection(handover: "/x", staying: own)),
    ] {
      #expect(made.contains(path) && made.contains("controlmaster true") && made.contains("controlpersist 60"))
      #expect(made.contains("serveraliveinterval 5") && made.contains("serveralivecountmax 2"))
    }
    for used in [
      try settings(HostConnectionArguments.ssh(to: Sample.host, pins: "/p", request: "list", through: own)),
      try device(.master(socket: own, host: "hosta.example")),
    ] {
      #expect(used.contains(path) && used.contains("controlmaster false"))
      #expect(used.contains("stricthostkeychecking true"))
      #expect(used.contains { $0 == "userknownhostsfile /p" || $0 == "userknownhostsfile /dev/null" })
    }
    let fallback = try device(.master(socket: own, host: "hosta.example"))
    #expect(fallback.contains("proxycommand '/f' --host 'hosta.example' proxy --connect kitchen-pi"))
    #expect(fallback.contains("proxyusefdpass yes") && fallback.contains("loglevel FATAL"))
    for alone in [
      try settings(HostConnectionArguments.ssh(to: Sample.host, pins: "/p", request: "list")),
      try device(.connection(handover: "/x", staying: nil)),
    ] {
      #expect(!alone.contains { $0.hasPrefix("controlpath") && $0 != "controlpath none" })
    }
  }

  /// Only where ssh would make the very same connection is it made for it.
  @Test(
    arguments: [
      ("", true), ("IdentityFile ~/.ssh/x\nServerAliveInterval 5\nUser bob", true), ("ProxyJump none", true),
      ("HostName 203.0.113.9", false), ("ProxyJump bastion", false), ("ProxyCommand nc %h %p", false),
      ("AddressFamily inet6", false), ("BindAddress 127.0.0.2", false), ("CanonicalizeHostname yes", false),
    ])
  func theDirectWayToHostA(_ settings: String, isDirect: Bool) throws {
    let folder = try FileStore.makeTemporaryFolder()
    defer { FileStore.remove(files: ["config"], in: folder) }
    try FileStore.replace("\(folder)/config", with: "Host hosta.example\n\(settings)\n".utf8)
    let outcome = try Subprocess.run(
      ["ssh", "-F", "\(folder)/config"] + HostConnectionArguments.settings(of: Sample.host, pins: "/p").dropFirst())
    #expect(
      HostConnectionArguments.isDirect(effectiveSettings: outcome.text, to: Sample.host) == isDirect, "\(outcome.text)")
    #expect(!HostConnectionArguments.isDirect(effectiveSettings: "", to: Sample.host))
  }

  @Test func aBoxIsReachedWithThePersonsOwnSSH() throws {
    let box = try BoxTarget(parsing: "pi@bench:2200")
    let open = BoxSSHArguments.open(box, controlPath: "/tmp/f/c")
    #expect(open.contains("ControlMaster=yes") && open.suffix(2) == ["--", "bench"])
    #expect(!open.contains { $0.contains("KnownHosts") || $0.contains("StrictHostKeyChecking") })
    let run = BoxSSHArguments.run("id", on: box, controlPath: "/tmp/f/c")
    #expect(run.contains("ControlMaster=no") && run.suffix(3) == ["--", "bench", "id"])
    #expect(run.contains("2200") && run.contains("pi"))
    #expect(BoxSSHArguments.close(box, controlPath: "/tmp/f/c").contains("exit"))
  }

  @Test(arguments: [
    "", "-oProxyCommand=x", "@box", "-x@box", "a b@box", "box:0", "box:x", "pi@", "pi@a;b", "a\u{202E}@b",
  ])
  func whatIsNoBox(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try BoxTarget(parsing: text) }
    #expect(refusal?.code == .usage)
  }
}
