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

  /// What a person reads differs where the way out differs.
  @Test(arguments: [
    ("ssh: connect to host hosta.example port 2222: Connection refused\n", "nothing listens on that port"),
    ("ssh: connect to host hosta.example port 2222: Connection timed out\n", "nothing comes back"),
    ("ssh: connect to host hosta.example port 2222: No route to host\n", "no way to that machine"),
    ("ssh: connect to host hosta.example port 2222: Network is unreachable\n", "no network that leads there"),
    ("ssh: Could not resolve hostname hosta.example: Name or service not known\n", "no machine of that name"),
    (
      "ssh: Could not resolve hostname hosta.example: Temporary failure in name resolution\n",
      "names cannot be looked up"
    ),
    ("Connection timed out during banner exchange\nConnection to h port 1 timed out\n", "nobody speaks there"),
    ("kex_exchange_identification: read: Connection reset by peer\n", "closed at once"),
    ("kex_exchange_identification: banner line contains invalid characters\n", "no SSH server"),
    ("Unable to negotiate with h port 1: no matching host key type found. Their offer: ssh-dss\n", "no algorithm"),
    ("client_loop: send disconnect: Broken pipe\n", "broke off"),
    ("getaddrinfo nosuch.invalid: Name or service not known\n", "no machine of that name"),
    ("write (127.0.0.1): Connection refused\n", "nothing listens on that port"),
  ])
  func eachReasonHasItsSentence(text: String, meaning: String) {
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: text)
    #expect(refusal.code == .hostUnreachable)
    #expect(refusal.message.contains("HostA (hosta.example port 2222) does not answer: "))
    #expect(refusal.message.contains(meaning), "\(refusal.message)")
  }

  @Test func aJumpHostThatIsAwayIsNotTakenForHostA() {
    let text =
      "ssh: connect to host jump.example port 22: Connection refused\n"
      + "kex_exchange_identification: Connection closed by remote host\n"
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: text)
    #expect(refusal.message.contains("by way of jump.example port 22: the machine is there"), "\(refusal.message)")
    #expect(refusal.hint?.contains("~/.ssh/config") == true)
  }

  @Test func aChangedKeyTellsBothFingerprints() {
    let new = "SHA256:VjvNtL74LsWlADA8cVRvH2VLiMLMcy2b4NIlzdS+2ig"
    let text = """
      @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
      The fingerprint for the ED25519 key sent by the remote host is
      \(new).
      Host key verification failed.
      """
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 255, errorText: text)
    let old = KeyFingerprint.of(Sample.hostKey)
    #expect(refusal.message.hasSuffix(": \(new) in the place of \(old)"), "\(refusal.message)")
    #expect(refusal.hint?.contains("fleet login fleet@hosta.example:2222") == true)
  }

  @Test(arguments: [
    ("sh: 1: exec: /home/fleet/bin/fleet-server: not found\n", "is not there any more"),
    ("sh: 1: version: not found\n", "an ordinary shell"), ("bash: line 1: version: command not found\n", "ordinary"),
  ])
  func whatRunsBehindTheKeyIsTold(text: String, meaning: String) {
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 127, errorText: text)
    #expect(refusal.code == .ioFailed && refusal.message.contains(meaning), "\(refusal.message)")
  }

  @Test func anotherStatusIsTheRemoteCommands() {
    let refusal = SSHFailure.refusal(host: Sample.host, exitStatus: 9, errorText: "not\u{1B}[2J found\n")
    #expect(refusal.code == .ioFailed && refusal.message.contains("status 9") && !refusal.message.contains("\u{1B}"))
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
