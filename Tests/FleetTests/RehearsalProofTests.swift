import FleetProtocol
import Testing

@testable import fleet

@Suite struct RehearsalProofTests {
  private static let verified = """
    debug1: Server host key: ssh-ed25519 SHA256:abc
    debug1: Host 'kitchen-pi' is known and matches the ED25519 host key.

    """

  private func proof(_ status: Int32, _ output: String, _ said: String) throws(Refusal) -> RehearsalProof {
    try RehearsalProof(device: Sample.kitchen, exitStatus: status, output: output, debugText: said)
  }

  @Test func aLoginProvesAll() throws {
    let proof = try proof(0, "Linux 6.1.0\n", Self.verified + "Welcome!\n")
    #expect(proof.hostKey == "ssh-ed25519 SHA256:abc" && proof.answer == "Linux 6.1.0")
    #expect(
      proof.sentence(device: Sample.kitchen)
        == "kitchen-pi answered 'Linux 6.1.0', host key ssh-ed25519 SHA256:abc as on the bench")
    #expect(proof.remark(user: Sample.pi, target: try BoxTarget(parsing: "pi@10.0.0.2")) == nil)
    #expect(try self.proof(127, "", Self.verified).answer == "status 127")
  }

  /// Nobody is asked for a password a second time: that the key is not let in is a remark.
  @Test func aKeyThatIsNotLetInStillProvesTheWayAndTheHostKey() throws {
    let proof = try proof(255, "", Self.verified + "pi@kitchen-pi: Permission denied (publickey,password).\n")
    #expect(proof.answer == nil && proof.sentence(device: Sample.kitchen).hasPrefix("as far as the login"))
    let remark = proof.remark(user: Sample.pi, target: try BoxTarget(parsing: "root@10.0.0.2:2200"))
    #expect(remark?.hasSuffix("ssh-copy-id -p 2200 pi@10.0.0.2") == true, "\(remark ?? "")")
  }

  @Test(arguments: [
    ("debug1: Server host key: ssh-ed25519 SHA256:abc\nHost key verification failed.\n", "device-host-key-changed"),
    ("kex_exchange_identification: Connection closed by remote host\n", "io-failed"),
    // A box that says it matches before any key was verified proves nothing.
    ("Host 'kitchen-pi' is known and matches the ED25519 host key.\nPermission denied\n", "io-failed"),
    (verified + "Connection closed by UNKNOWN port 65535\n", "io-failed"),
  ])
  func whatProvesNothing(_ said: String, _ code: String) {
    let refusal = #expect(throws: Refusal.self) { try proof(255, "", said) }
    #expect(refusal?.code.rawValue == code)
  }

  @Test func itAsksNobodyAnything() throws {
    let line = try RehearsalProof.commandLine(Sample.kitchen)
    #expect(line.device == Sample.kitchen && line.command == ["uname -sr"] && line.options.contains("BatchMode=yes"))
  }

  @Test(arguments: [
    ("cat: write error: No space left on device\n", "the disk of the box is full: cat: write error"),
    ("install.sh: cannot write /x\n", "install.sh: cannot write /x"), ("", "the box answered with status 4"),
  ])
  func failuresOnTheBox(_ said: String, _ sentence: String) {
    #expect(BoxFailure.ofCommand(errorText: said, status: 4, machine: "the box").message.hasPrefix(sentence))
  }

  @Test func whatTheAgentSays() {
    let status = "device      kitchen-pi (0f3a)\nstate       connecting\nlast error  no such host\nagent       x\n"
    #expect(BoxFailure.ofAgent(status: status) == "no such host")
    #expect(BoxFailure.ofAgent(status: status.replacing("last error", with: "other")) == "connecting")
    #expect(BoxFailure.ofAgent(status: "") == nil)
  }

  @Test(arguments: [
    ("pi@10.0.0.2: Permission denied (publickey,password).", "does not accept this password or key"),
    ("Host key verification failed.", "is unknown or has changed"), ("No route to host", "does not answer: No route"),
  ])
  func failuresOnTheWay(_ said: String, _ sentence: String) throws {
    let target = try BoxTarget(parsing: "pi@10.0.0.2")
    let failure = BoxFailure.ofConnection(errorText: said, target: target, machine: "the box")
    #expect(failure.message.contains(sentence) && failure.hint.contains("ssh pi@10.0.0.2"))
  }
}
