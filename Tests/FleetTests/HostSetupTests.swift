import FleetProtocol
import Testing

@testable import fleet

/// What `fleet init` decides: from a probe's answer, for a script, from what that printed.
@Suite struct HostSetupTests {
  private static let answer = """
    Welcome!
    fleet-probe=1
    system=Linux
    machine=aarch64
    user=fleet
    services=cron
    missing=
    initialised=no
    free_kb=200000
    stage=/home/fleet/fleet-server-setup
    binary=/home/fleet/.local/bin/fleet-server
    staged=
    installed=123 456
    """

  @Test func aProbesAnswerIsUnderstoodAfterWhateverStandsBefore() throws {
    let facts = try HostSetupFacts(parsing: Self.answer)
    #expect(facts.machine == "aarch64" && facts.user.rawValue == "fleet" && facts.services == "cron")
    #expect(!facts.isInitialised && facts.installedChecksum == "123 456" && facts.stagedChecksum.isEmpty)
    try facts.requireRoom(forProgram: 64 * 1024)
    let refusal = #expect(throws: Refusal.self) { try facts.requireRoom(forProgram: 100 * 1024) }
    #expect(refusal?.message == "HostA has only 195 MiB free, and 220 MiB are needed")
  }

  @Test(arguments: [
    ("fleet-probe=1", "probe", Refusal.Code.boxUnsuitable), ("system=Linux", "system=OpenBSD", .boxUnsuitable),
    ("missing=", "missing=/usr/sbin/sshd", .sshdMissing), ("stage=/", "stage=", .boxUnsuitable),
    ("user=fleet", "user=", .nameInvalid),
  ])
  func aMachineThatCannotBeHostAIsToldSo(_ line: String, _ other: String, _ code: Refusal.Code) {
    let refusal = #expect(throws: Refusal.self) {
      try HostSetupFacts(parsing: Self.answer.replacing(line, with: other))
    }
    #expect(refusal?.code == code)
  }

  @Test func theScriptIsToldWhatWasAskedForAndNothingElse() throws {
    let facts = try HostSetupFacts(parsing: Self.answer)
    let plain = HostSetupScript(
      address: nil, listen: nil, ports: nil, operatorName: try OperatorName(validating: "anna"))
    #expect(
      plain.command(facts)
        == "exec sh '/home/fleet/fleet-server-setup/install.sh' '--operator' 'anna' '--operator-key' "
        + "'/home/fleet/fleet-server-setup/operator.pub'")
    let all = HostSetupScript(
      address: "hosta.example", listen: "0.0.0.0:2222; id", ports: "20000-20009",
      operatorName: try OperatorName(validating: "anna"))
    #expect(all.command(facts).hasSuffix("'--listen' '0.0.0.0:2222; id' '--ports' '20000-20009'"))
    #expect(
      all.arguments(operatorKey: "/dev/null", isRehearsal: true).suffix(3) == ["--ports", "20000-20009", "--dry-run"])
  }

  @Test func theLoginLineIsFoundAmongWhatTheScriptPrinted() throws {
    let fingerprint = "SHA256:Hy++u8PveoWXJh+/sm9AP1BntpvxZBhHL1vyZ7PZwm0"
    let line = try #require(
      HostLoginLine(in: "write x\nfleet login fleet@[fd00::1]:2222 --host-key \(fingerprint)\n"))
    #expect(line.target.address == "fd00::1" && line.target.port.rawValue == 2222 && line.fingerprint == fingerprint)
    #expect(HostLoginLine(in: "fleet login fleet@hosta.example:2222 --host-key SHA256:short\n") == nil)
    #expect(HostLoginLine(in: "") == nil)
  }

  @Test func anAliasIsWhatSSHMakesOfIt() {
    #expect(BoxSSHArguments.hostName(inResolved: "user anna\nhostname hosta.example\nport 22\n") == "hosta.example")
    #expect(BoxSSHArguments.hostName(inResolved: "hostname -oProxyCommand=id\n") == nil)
    #expect(BoxSSHArguments.hostName(inResolved: "") == nil)
  }

  @Test func aLaptopWithoutAKeyGetsOne() throws {
    try Scratch.with { folder in
      let made = try OperatorKey.readOrMake("\(folder)/ssh/id_ed25519")
      #expect(made.key.algorithm == "ssh-ed25519")
      #expect(try OperatorKey.readOrMake("\(folder)/ssh/id_ed25519").key == made.key)
      // The public half alone says as much, and so does the private one.
      #expect(try OperatorKey.readOrMake("\(folder)/ssh/id_ed25519.pub").key == made.key)
      FileStore.remove(files: ["id_ed25519.pub"], in: "\(folder)/ssh")
      #expect(try OperatorKey.readOrMake("\(folder)/ssh/id_ed25519").key == made.key)
      try FileStore.replace("\(folder)/broken", with: "nothing".utf8)
      let refusal = #expect(throws: Refusal.self) { try OperatorKey.readOrMake("\(folder)/broken") }
      #expect(refusal?.code == .stepFailed)
    }
  }
}
