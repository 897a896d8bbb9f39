import FleetProtocol
import Testing

@testable import FleetServer

@Suite struct SSHDConfigurationTests {
  private func settings(_ listen: String = "127.0.0.1:2222") throws -> HostSettings {
    HostSettings(
      address: "h", listen: try #require(ListenAddress(parsing: listen)),
      ports: try #require(PortRange(parsing: "20000-29999")), sshdMode: .private,
      account: try LoginName(validating: "fleet"))
  }

  private static let authority = [
    "AllowStreamLocalForwarding no", "AllowTcpForwarding yes", "GatewayPorts no", "PermitListen 127.0.0.1:*",
    "PermitOpen 127.0.0.1:*", "PermitTTY no", "PermitUserRC no", "PermitTunnel no", "X11Forwarding no",
    "AllowAgentForwarding no",
  ]

  @Test func whatThePrivateOneMustSay() throws {
    let text = SSHDConfiguration.private(
      home: Home(path: "/srv/f"), settings: try settings(), isRoot: false, hasPenalties: false, cores: 2)
    let lines = Set(text.split(separator: "\n").map(String.init))
    #expect(lines.isSuperset(of: Self.authority))
    #expect(
      lines.isSuperset(of: [
        "UsePAM no", "AllowUsers fleet", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
        "AuthorizedKeysFile /srv/f/authorized_keys", "HostKey /srv/f/ssh_host_ed25519_key", "MaxStartups 200:30:400",
        "ClientAliveInterval 90", "ClientAliveCountMax 3", "PermitRootLogin no", "SetEnv FLEET_SERVER_HOME=/srv/f",
      ]))
    #expect(!text.contains("AcceptEnv") && !text.contains("Subsystem") && !text.contains("PerSourcePenalties"))
    let other = SSHDConfiguration.private(
      home: Home(path: "/srv/f"), settings: try settings(), isRoot: true, hasPenalties: true, cores: 1)
    #expect(other.contains("PermitRootLogin forced-commands-only") && other.contains("PerSourcePenalties no"))
    #expect(other.contains("MaxStartups 182:30:365"))
  }

  @Test func sshdTakesBoth() throws {
    let folder = try TemporaryFolder()
    let home = try folder.home()
    try SSHKeygen.makeHostKey(home.hostKey)
    let sshd = PrivateSSHD(home: home, settings: try settings("[::1]:2222"))
    try sshd.prepare()
    let whole = try Subprocess.run("/usr/sbin/sshd", ["-T", "-f", home.sshdConfiguration])
    #expect(whole.status == 0, "\(whole.errors)")
    let startups = "maxstartups \(MaxStartups.suited(cores: Processors.count))"
    #expect(whole.output.contains("allowstreamlocalforwarding no") && whole.output.contains(startups))

    let dropIn =
      "HostKey \(home.hostKey)\n" + SSHDConfiguration.dropIn(account: try LoginName(validating: "fleet"), cores: 2)
    try FileReplacement.write(dropIn.utf8, to: home.sshdConfiguration, durable: false)
    let check = try Subprocess.run(
      "/usr/sbin/sshd", ["-T", "-f", home.sshdConfiguration, "-C", "user=fleet,host=h,addr=192.0.2.1"])
    #expect(check.status == 0, "\(check.errors)")
    for line in Self.authority { #expect(check.output.contains(line.lowercased()), "\(line)") }
  }

  @Test func aMissingSSHDAndABadConfigurationAreTold() throws {
    let folder = try TemporaryFolder()
    var settings = try settings()
    let failed = #expect(throws: Refusal.self) {
      try PrivateSSHD(home: try folder.home(), settings: settings).prepare()
    }
    #expect(failed?.code == .sshdFailed && failed?.message.contains("no hostkeys available") == true)
    settings.sshd = "/nowhere/sshd"
    let missing = #expect(throws: Refusal.self) {
      try PrivateSSHD(home: try folder.home(), settings: settings).prepare()
    }
    #expect(missing?.code == .sshdMissing)
  }
}
