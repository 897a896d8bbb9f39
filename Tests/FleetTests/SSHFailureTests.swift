import FleetProtocol
import Testing

@testable import fleet

/// Texts as OpenSSH 9.2 prints them.
@Suite struct SSHFailureTests {
  @Test(arguments: [
    ("ssh: connect to host hosta.example port 2222: Connection refused\n", Refusal.Code.hostUnreachable),
    ("ssh: connect to host hosta.example port 2222: Connection timed out\n", .hostUnreachable),
    ("ssh: Could not resolve hostname hosta.example: Name or service not known\n", .hostUnreachable),
    ("ssh: connect to host 10.0.0.9 port 2222: No route to host\n", .hostUnreachable),
    ("kex_exchange_identification: Connection closed by remote host\n", .hostUnreachable),
    ("Connection closed by 127.0.0.1 port 2222\n", .hostUnreachable),
    ("", .hostUnreachable),
    ("fleet@hosta.example: Permission denied (publickey).\n", .notAnOperator),
    ("Received disconnect from 127.0.0.1 port 1:2: Too many authentication failures\n", .notAnOperator),
    (
      "@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@\nHost key verification failed.\n",
      .hostKeyChanged
    ),
    ("No ED25519 host key is known for fleet-host-x and you have requested strict checking.\n", .hostKeyChanged),
    ("command-line: line 0: Bad configuration option: nonsense\n", .configurationInvalid),
    ("Bad owner or permissions on /home/a/.ssh/config\n", .configurationInvalid),
  ])
  func classifies(text: String, code: Refusal.Code) {
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: text)
    #expect(refusal.code == code)
    #expect(refusal.hint != nil && !refusal.message.contains("\n"))
  }

  @Test func anotherStatusIsTheRemoteCommands() {
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 127, errorText: "sh: list: not\u{1B}[2J found\n")
    #expect(refusal.code == .ioFailed && refusal.message.contains("127") && !refusal.message.contains("\u{1B}"))
  }

  @Test func keysAndFingerprints() throws {
    let output = """
      # hosta.example:2222 SSH-2.0-OpenSSH_9.2p1
      [hosta.example]:2222 \(Sample.hostKeyText)
      [hosta.example]:2222 \(Sample.hostKeyText)
      garbage
      [hosta.example]:2222 ssh-dss AAAA

      """
    #expect(HostKeyScan.keys(in: output) == [Sample.hostKey])
    let fingerprint = "SHA256:VjvNtL74LsWlADA8cVRvH2VLiMLMcy2b4NIlzdS+2ig"
    #expect(HostKeyScan.isFingerprint(fingerprint) && HostKeyScan.isFingerprint(KeyFingerprint.of(Sample.hostKey)))
    #expect(!HostKeyScan.isFingerprint("SHA256:short") && !HostKeyScan.isFingerprint(fingerprint + "="))
  }
}
