import FleetProtocol
import Testing

@testable import FleetServer

/// How doctor judges what sshd says of itself.
@Suite struct SSHDPolicyTests {
  private func place(_ mode: HostSettings.SSHDMode = .system) throws -> SSHDConfigurationPlace {
    SSHDConfigurationPlace(mode: mode, file: "/srv/f/sshd_config", account: try LoginName(validating: "fleet"))
  }

  private func severity(_ findings: [HostFinding], _ code: HostFinding.Code) -> HostFinding.Severity? {
    findings.first { $0.code == code }?.severity
  }

  private func forwarding(_ line: String) throws -> [HostFinding] {
    ForwardingVerdict.findings(
      SSHDPolicySamples.policy(with: line), ports: [try #require(TCPPort(20007))], place: try place())
  }

  private func connection(
    _ lines: String, sample: String = SSHDPolicySamples.stock92, version: OpenSSHVersion? = OpenSSHVersion(9, 2),
    devices: Int = 3, cores: Int = 2
  ) throws -> [HostFinding] {
    ConnectionVerdict(
      policy: SSHDPolicySamples.policy(sample, with: lines), version: version, devices: devices, cores: cores,
      place: try place()
    ).findings
  }

  @Test(arguments: [
    ("allowtcpforwarding yes", HostFinding.Code.allowTCPForwarding, HostFinding.Severity.fine),
    ("allowtcpforwarding no", .allowTCPForwarding, .serious),
    ("allowtcpforwarding local", .allowTCPForwarding, .serious),
    ("allowtcpforwarding remote", .allowTCPForwarding, .serious),
    ("disableforwarding yes", .disableForwarding, .serious),
    ("disableforwarding no", .disableForwarding, .fine),
    ("permitlisten none", .permitListen, .serious),
    ("permitlisten 127.0.0.1:20008", .permitListen, .serious),
    ("permitlisten 127.0.0.1:20008 127.0.0.1:20007", .permitListen, .fine),
    ("permitlisten localhost:*", .permitListen, .serious),
    ("permitlisten 20007", .permitListen, .fine),
    ("permitlisten 127.0.0.1:*", .permitListen, .fine),
    ("permitopen none", .permitOpen, .serious),
    ("permitopen *:20007", .permitOpen, .fine),
    ("permitopen any", .permitOpen, .fine),
    ("allowstreamlocalforwarding yes", .allowStreamLocalForwarding, .serious),
    ("allowstreamlocalforwarding all", .allowStreamLocalForwarding, .serious),
    ("allowstreamlocalforwarding local", .allowStreamLocalForwarding, .serious),
    ("allowstreamlocalforwarding remote", .allowStreamLocalForwarding, .serious),
    ("allowstreamlocalforwarding no", .allowStreamLocalForwarding, .fine),
    ("streamlocalbindunlink yes", .streamLocalBindUnlink, .serious),
    ("streamlocalbindunlink no", .streamLocalBindUnlink, .fine),
    ("gatewayports yes", .gatewayPorts, .serious),
    ("gatewayports clientspecified", .gatewayPorts, .warning),
    ("gatewayports no", .gatewayPorts, .fine),
  ]) func forwardingIsJudged(_ line: String, _ code: HostFinding.Code, _ expected: HostFinding.Severity) throws {
    #expect(severity(try forwarding(line), code) == expected)
  }

  @Test func unlinkingIsOnlyAWarningWhereNoSocketIsForwarded() throws {
    let policy = SSHDPolicySamples.policy(with: "streamlocalbindunlink yes", "allowstreamlocalforwarding no")
    #expect(
      severity(ForwardingVerdict.findings(policy, ports: [], place: try place()), .streamLocalBindUnlink) == .warning)
  }

  @Test(arguments: [
    ("forcecommand /bin/true", HostFinding.Code.forceCommand, HostFinding.Severity.serious),
    ("forcecommand none", .forceCommand, .fine),
    ("pubkeyauthentication no", .authentication, .serious),
    ("authenticationmethods publickey,password", .authentication, .serious),
    ("authenticationmethods publickey,password publickey", .authentication, .fine),
    ("authenticationmethods any", .authentication, .fine),
    ("authorizedkeysfile .ssh/authorized_keys", .authorizedKeysFile, .fine),
    ("authorizedkeysfile %h/.ssh/authorized_keys", .authorizedKeysFile, .fine),
    ("authorizedkeysfile /home/%u/.ssh/authorized_keys", .authorizedKeysFile, .fine),
    ("authorizedkeysfile /etc/keys/%u", .authorizedKeysFile, .serious),
    ("authorizedkeysfile none", .authorizedKeysFile, .serious),
  ]) func loginIsJudged(_ line: String, _ code: HostFinding.Code, _ expected: HostFinding.Severity) throws {
    let findings = LoginVerdict.findings(
      SSHDPolicySamples.policy(with: line), keyFile: "/home/fleet/.ssh/authorized_keys", accountFolder: "/home/fleet",
      place: try place())
    #expect(severity(findings, code) == expected)
  }

  @Test(arguments: [
    ("maxsessions 0", HostFinding.Code.maxSessions, HostFinding.Severity.serious),
    ("maxsessions 4", .maxSessions, .warning), ("maxsessions 10", .maxSessions, .note),
    ("maxsessions 100", .maxSessions, .fine),
    ("unusedconnectiontimeout 300", .unusedConnectionTimeout, .serious),
    ("unusedconnectiontimeout none", .unusedConnectionTimeout, .fine),
    ("channeltimeout *=300", .channelTimeout, .warning), ("channeltimeout none", .channelTimeout, .fine),
    ("clientaliveinterval 0", .clientAlive, .warning), ("clientaliveinterval 10", .clientAlive, .note),
    ("clientaliveinterval 90", .clientAlive, .fine),
    ("persourcepenalties no", .perSourcePenalties, .fine),
  ]) func connectionsAreJudged(_ line: String, _ code: HostFinding.Code, _ expected: HostFinding.Severity) throws {
    #expect(severity(try connection(line), code) == expected)
  }

  @Test func before95TheIntervalCountsTwice() throws {
    let line = "clientaliveinterval 350"
    let older = try connection(line, version: OpenSSHVersion(9, 4))
    #expect(severity(older, .clientAlive) == .warning)
    #expect(
      older.first { $0.code == .clientAlive }?.consequence?.contains("35 minutes, for OpenSSH before 9.5") == true)
    #expect(severity(try connection(line, version: OpenSSHVersion(9, 5)), .clientAlive) == .fine)
    #expect(
      severity(try connection("clientaliveinterval 650", version: OpenSSHVersion(10, 0)), .clientAlive) == .warning)
  }

  @Test func startupsAreComparedWithTheFleet() throws {
    func judged(_ value: String, _ devices: Int, cores: Int = 2) throws -> HostFinding.Severity? {
      severity(try connection("maxstartups \(value)", devices: devices, cores: cores), .maxStartups)
    }
    #expect(try judged("10:30:100", 10) == .fine)
    #expect(try judged("10:30:100", 11) == .warning)
    #expect(try judged("200:30:400", 9000) == .fine)
    // 800 logins of 41 ms on two cores take 16.4 s, more than a quarter of a minute.
    #expect(try judged("400:30:800", 9000) == .warning)
    #expect(try judged("400:30:800", 700) == .fine)
    #expect(try judged("400:30:800", 9000, cores: 4) == .fine)
    #expect(try judged("200:30:400", 9000, cores: 1) == .warning)
    #expect(try judged("\(MaxStartups.suited(cores: 1))", 9000, cores: 1) == .fine)
    #expect(MaxStartups.suited(cores: 64) == MaxStartups(start: 200, rate: 30, full: 400))
  }

  @Test func penaltiesAreKnownFrom98On() throws {
    #expect(severity(try connection("port 22", sample: SSHDPolicySamples.stock92), .perSourcePenalties) == .fine)
    #expect(severity(try connection("port 22", sample: SSHDPolicySamples.stock100), .perSourcePenalties) == .warning)
    #expect(
      severity(try connection("persourcepenalties no", sample: SSHDPolicySamples.stock100), .perSourcePenalties)
        == .fine)
  }

  @Test func whatSSHDDoesNotSayIsNotGuessed() throws {
    let findings = ConnectionVerdict(
      policy: SSHDPolicy(parsing: ""), version: nil, devices: 1, cores: 1, place: try place()
    ).findings
    for code in [HostFinding.Code.maxStartups, .maxSessions, .clientAlive] {
      #expect(findings.first { $0.code == code }?.what.hasPrefix("not known: ") == true)
    }
  }

  @Test func aLineSaysWhereItBelongs() throws {
    #expect(try place().mend("X y").place.contains("below 'Match User fleet'"))
    #expect(try place().globalMend("X y").place.contains("above the line 'Match'"))
    #expect(try place(.private).mend("X y").place.hasPrefix("/srv/f/sshd_config, where 'fleet-server run' writes it"))
  }

  @Test(arguments: [
    ("OpenSSH_9.2, OpenSSL 3.0.19", OpenSSHVersion(9, 2)), ("OpenSSH_10.0p2 Debian-7~bpo12+1", OpenSSHVersion(10, 0)),
    ("unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL", OpenSSHVersion(8, 4)), ("dropbear", nil),
    ("OpenSSH_x", nil),
  ]) func versions(_ text: String, _ version: OpenSSHVersion?) { #expect(OpenSSHVersion(in: text) == version) }
}
